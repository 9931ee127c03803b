import ArgumentParser

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where results go, for `run`, `worker` and `report`.
struct OutputOptions: ParsableArguments {
    @Option(help: "Writes a page with plots that needs nothing else.")
    var html: String?

    @Option(help: "Writes everything, for machines and for `compare`.")
    var json: String?

    @Option(help: "Writes the table that is printed to a file as well.")
    var markdown: String?

    /// Prints the table and writes what was asked for.
    func write(_ run: BenchRun) throws {
        let table = MarkdownReport(run).text
        print(table)
        if let markdown { try Data(table.utf8).write(to: URL(filePath: markdown), options: .atomic) }
        if let json { try ResultFile.write(run, to: json) }
        if let html { try Data(HTMLReport(run).text.utf8).write(to: URL(filePath: html), options: .atomic) }
    }
}

/// A run as a file.
enum ResultFile {
    static func write(_ run: BenchRun, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try encoder.encode(run).write(to: URL(filePath: path), options: .atomic)
    }

    /// - Throws: ``Refusal`` with the file's name.
    static func read(_ path: String) throws -> BenchRun {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Refusal("\(path) cannot be read")
        }
        struct Format: Decodable { let format: Int }
        guard let format = try? JSONDecoder().decode(Format.self, from: data).format else {
            throw Refusal("\(path) holds no results of stoa-bench")
        }
        guard format <= BenchRun.formatKnown else {
            throw Refusal("\(path) has format \(format), this program knows \(BenchRun.formatKnown)")
        }
        do { return try JSONDecoder().decode(BenchRun.self, from: data) } catch {
            throw Refusal("\(path) is damaged: \(error)")
        }
    }
}
