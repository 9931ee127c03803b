import ArgumentParser
import ChatCore
import ChatStorage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `stoa volume export-db`.
struct ExportDatabases: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export-db", abstract: "Write every shard as an ordinary SQLite database.",
        discussion: """
            The databases of a live volume are not for other programs: the sqlite3 shell
            refuses them. This writes copies that any SQLite opens, one file a shard,
            DIR/00.db and so on. Works while tasks serve: a shard is held for the moment
            that its copy takes. Every file is consistent in itself; together they are no
            snapshot of one moment.

            A file gets its name when it is whole. Interrupted, run it again with
            --resume, which keeps the files that are there.

            EXAMPLES:
              stoa volume export-db --volume /mnt/stoa --to /tmp/export
              sqlite3 /tmp/export/00.db 'SELECT count(*) FROM message'

            EXIT STATUS:
              0 everything was written; 65 the folder holds a shard already, or the
              volume has no databases; 75 a shard stayed taken; 69 anything else.
            """)

    @OptionGroup var volume: VolumeOptions
    @Option(help: "Folder for the files; made if only its last part is missing.") var to: String
    @Flag(help: "Keep the files that are there and write the others.") var resume = false
    @Flag(help: "Print one JSON object at the end.") var json = false

    /// What `--json` prints.
    private struct Report: Encodable {
        let volume: String
        let folder: String
        let written: [String]
        let kept: [String]
    }

    func run() async throws {
        try await ExitStatus.reporting {
            let volume = try await Volume.open(at: volume.folder)
            guard volume.manifest.store == .sqlite else {
                throw ExitStatus.fail(
                    "the store \(volume.manifest.store.rawValue) has no databases", ExitStatus.dataError)
            }
            let report = try await export(volume)
            if json { return print(try JSONText.of(report)) }
            print("\(report.written.count) databases written to \(report.folder), \(report.kept.count) kept")
        }
    }

    private func export(_ volume: Volume) async throws -> Report {
        let folder = URL(filePath: to).standardizedFileURL.path(percentEncoded: false)
        let files = FileManager.default
        do {
            if !files.fileExists(atPath: folder) {
                try files.createDirectory(atPath: folder, withIntermediateDirectories: false)
            }
        } catch {
            throw ExitStatus.fail("\(folder) cannot be made: its parent must exist", ExitStatus.unavailable)
        }
        let all = (0..<volume.manifest.shards).map { number in
            (number: number, path: "\(folder)/\(volume.shardName(number)).db")
        }
        let kept = all.filter { files.fileExists(atPath: $0.path) }.map(\.path)
        if let first = kept.first, !resume {
            throw ExitStatus.fail(
                "\(first) exists: name an empty folder, or keep what is there with --resume",
                ExitStatus.dataError)
        }
        var written = [String]()
        for shard in all where !kept.contains(shard.path) {
            try await SQLiteSessionStore.exportDatabase(of: shard.number, in: volume, to: shard.path)
            written.append(shard.path)
            if !json && StandardError.isTerminal {
                StandardError.write("\(written.count + kept.count) of \(all.count): \(shard.path)")
            }
        }
        return Report(volume: volume.manifest.id, folder: folder, written: written, kept: kept)
    }
}
