import ArgumentParser
import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Joins what the hosts of a run measured.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Joins the results of the hosts of a run, or shows a file again.",
        discussion: """
            EXAMPLES
              stoa-bench report --volume /mnt/efs --run monday --json monday.json
              stoa-bench report monday.json --html monday.html
              stoa-bench report one-host.json two-hosts.json --html hosts.html
            """)

    @Argument(help: "Files of results. Of several runs, all are shown.")
    var files: [String] = []

    @Option(help: "The volume that workers met on.")
    var volume: String?

    @Option(name: .customLong("run"), help: "The run whose workers met there.")
    var name: String?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard files.isEmpty == (volume != nil && name != nil) else {
            throw ValidationError("name files, or --volume and --run")
        }
    }

    func run() throws {
        var paths = files
        if let volume, let name {
            guard TaskID(rawValue: name) != nil else { throw ValidationError("--run is no name of a run") }
            let folder = "\(volume)/stoa-bench-\(name)/results"
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            paths = names.filter { $0.hasSuffix(".json") }.sorted().map { "\(folder)/\($0)" }
            guard !paths.isEmpty else { throw Refusal("there are no results in \(folder)") }
        }
        let runs = try paths.map(ResultFile.read)
        let byID = Dictionary(grouping: runs, by: \.id)
        let ids = runs.map(\.id).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        let merged = try ids.map { try BenchRun.merged(byID[$0] ?? []) }
        try output.write(BenchRun.together(merged))
    }
}

extension BenchRun {
    /// Several runs on one page: cells of the same key are rounds of each other.
    static func together(_ runs: [BenchRun]) throws -> BenchRun {
        guard var all = runs.first else { throw Refusal("there are no results") }
        for (index, run) in runs.enumerated().dropFirst() {
            var run = run
            run.id = all.id
            // Rounds of one number are added up, as those of hosts that ran at once.
            for cell in run.cells.indices {
                for round in run.cells[cell].rounds.indices {
                    run.cells[cell].rounds[round].number += index * 1_000
                }
            }
            all = try merged([all, run])
        }
        if runs.count > 1 { all.id = runs.map(\.id).joined(separator: "+") }
        return all
    }
}
