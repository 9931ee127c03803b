import ArgumentParser
import ChatCore
import ChatStorage

/// `stoa backup`.
struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy a volume into a folder while tasks serve.",
        discussion: """
            Each shard is copied as it was at one moment after the backup began, so
            everything acknowledged before is in it. With the engine volume nobody
            waits for the copying: a shard is held twice for some milliseconds. With
            portable its writers wait until it is copied.

            Only what changed since the last backup in that folder is copied. Every
            part is read back and examined; stoa-backup.json, with the checksums, is
            written last, so the last whole backup stays whole until the new one is.
            Shards in it are ordinary SQLite databases. Safe to interrupt and to run
            again.

            EXAMPLES:
              stoa backup /backup/stoa --volume /mnt/stoa
              stoa backup /backup/stoa --volume /mnt/stoa --json | jq .faults

            EXIT STATUS:
              0 the backup is whole and sound; 65 it is whole, but parts of the volume
              are damaged, or the folder holds another volume's; 69 the volume or the
              folder is away or full; 75 another backup writes there, or a shard
              stayed taken.
            """)

    @Argument(help: "The backup's folder; made if only its last part is missing.") var folder: String
    @OptionGroup var volume: VolumeOptions
    @Flag(help: "Print one JSON object at the end.") var json = false

    /// What `--json` prints.
    private struct Report: Encodable {
        let folder: String
        let copied: Int
        let kept: Int
        let bytes: Int
        let sessions: Int
        let messages: Int
        let heldMillisecondsMax: Int
        let faults: [String]

        private enum CodingKeys: String, CodingKey {
            case folder, copied, kept, bytes, sessions, messages, faults
            case heldMillisecondsMax = "held_ms_max"
        }
    }

    func run() async throws {
        try await ExitStatus.reporting {
            let volume = try await Volume.open(at: volume.folder)
            let folder = PathText.absolute(folder)
            let progress = Progress("part", of: volume.partsCount)
            let result = try await Backup(of: volume, to: folder).run { event in
                switch event {
                case .copied(let part, let held):
                    progress.advance("\(part.name): \(part.bytes >> 10) KiB, held \(held) ms")
                case .kept(let part): progress.advance("\(part.name): as it was")
                }
            }
            progress.end()
            try print(result, folder)
        }
    }

    private func print(_ result: Backup.Result, _ folder: String) throws {
        let parts = result.manifest.parts
        let report = Report(
            folder: folder, copied: result.copied, kept: parts.count - result.copied,
            bytes: parts.reduce(0) { $0 + $1.bytes }, sessions: parts.reduce(0) { $0 + $1.sessions },
            messages: parts.reduce(0) { $0 + $1.messages }, heldMillisecondsMax: result.heldMilliseconds,
            faults: result.faults)
        if json {
            Swift.print(try JSONText.of(report))
        } else {
            Swift.print(
                "\(report.copied) parts copied, \(report.kept) as they were; \(report.sessions) sessions, "
                    + "\(report.messages) messages, \(report.bytes >> 10) KiB in \(folder)")
            for fault in report.faults { Swift.print("FAULT \(fault)") }
        }
        if !report.faults.isEmpty { throw ExitCode(ExitStatus.dataError) }
    }
}
