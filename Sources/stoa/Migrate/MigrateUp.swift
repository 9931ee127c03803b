import ArgumentParser
import ChatStorage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `stoa migrate up`.
struct MigrateUp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up",
        abstract: "Bring every shard up to this program's schema.",
        discussion: """
            Works while tasks serve, if they can live with what is applied: a task that
            could not is named, and nothing is done, unless --evict says so. Safe to
            interrupt and to run again: what is done is done, what is not is left as it
            was.

            EXAMPLES:
              stoa migrate up --volume /mnt/stoa --dry-run
              stoa migrate up --volume /mnt/stoa
              stoa migrate up --volume /mnt/stoa --to 6

            EXIT STATUS:
              0 every shard is where it should be; 65 a shard is newer or drifted, or
              the rehearsal found faults; 69 the volume is away; 70 a migration failed,
              its shard is as it was; 75 another process migrates, a shard stayed
              taken, or tasks live that could not go on.
            """)

    @OptionGroup var volume: VolumeOptions
    @Option(help: "The last migration to apply.") var to: Int?
    @Flag(help: "Apply what is pending to copies of the shards, and throw these away.") var dryRun = false
    @Option(help: "Folder for these copies. (default: the system's temporary folder)") var scratch: String?
    @Flag(help: "Go on although tasks live that will be refused afterwards.") var evict = false
    @Option(help: "Seconds to wait for another process and for shards that are taken.") var wait = 60.0
    @Flag(help: "Print one JSON object at the end.") var json = false

    func validate() throws {
        let known = [Migration].embedded.count
        if let to, !(1...known).contains(to) {
            throw ValidationError("--to must be from 1 to \(known), the newest migration of this program.")
        }
        _ = try Setting.check(wait, "--wait", in: 0...3_600)
    }

    func run() async throws {
        try await ExitStatus.reporting {
            let volume = try await Volume.open(at: volume.folder)
            if dryRun { return try await rehearse(volume) }
            let progress = Progress("shard", of: volume.manifest.shards)
            let migration = VolumeMigration(
                of: volume, to: to, allowsEviction: evict, wait: .seconds(wait))
            try await migration.run { event in
                switch event {
                case .waiting(let holder):
                    let who = holder.map { "process \($0.pid) on \($0.host)" } ?? "another process"
                    StandardError.write("stoa: waiting for \(who), which migrates this volume")
                case .migrated(let shard, let applied):
                    progress.advance(
                        "\(volume.shardName(shard)): "
                            + (applied.isEmpty ? "was current" : applied.map(\.name).joined(separator: ", ")))
                }
            }
            progress.end()
            try await report(volume)
        }
    }

    private func report(_ volume: Volume) async throws {
        do {
            try await MigrateStatus.report(volume, asJSON: json)
        } catch let status as ExitCode {
            // Up to a version that was asked for is not current, and no failure.
            guard to != nil,
                try await SQLiteSessionStore.schemaStatus(of: volume).allSatisfy({ $0.isDone(upTo: to) })
            else { throw status }
        }
    }

    private func rehearse(_ volume: Volume) async throws {
        let parent = scratch ?? FileManager.default.temporaryDirectory.path(percentEncoded: false)
        let folder =
            URL(filePath: parent).standardizedFileURL.path(percentEncoded: false)
            + "/stoa-rehearsal-\(ProcessInfo.processInfo.processIdentifier)"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        } catch {
            throw ExitStatus.fail("\(folder) cannot be made", ExitStatus.unavailable)
        }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let progress = Progress("shard", of: volume.manifest.shards)
        var reports: [MigrationRehearsal.Report] = []
        for shard in 0..<volume.manifest.shards {
            let report = try await MigrationRehearsal.run(on: shard, of: volume, to: to, scratch: folder)
            if let report { reports.append(report) }
            progress.advance(volume.shardName(shard))
        }
        progress.end()
        if json {
            print(try JSONText.of(reports))
        } else if reports.isEmpty {
            print("nothing to do")
        } else {
            for report in reports {
                print(
                    "shard \(volume.shardName(report.shard))  \(report.bytes) bytes  "
                        + "\(report.milliseconds) ms  \(report.applied.joined(separator: ", "))"
                        + report.faults.map { "\n  FAULT \($0)" }.joined())
            }
            print("a rehearsal on copies; the volume is as it was")
        }
        if reports.contains(where: { !$0.faults.isEmpty }) { throw ExitCode(ExitStatus.dataError) }
    }
}
