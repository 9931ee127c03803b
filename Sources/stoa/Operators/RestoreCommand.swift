import ArgumentParser
import ChatCore
import ChatStorage

/// `stoa restore`.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Make a volume of a backup.",
        discussion: """
            The checksum of every part is compared before it is written. The folder
            becomes a volume with its manifest, which is written last: until then no
            task serves it, and the same command goes on where it was interrupted.
            A folder that is not empty is refused, unless --overwrite says that what
            is there may go; one that tasks serve always is.

            --only puts single parts back, into the volume they came from, while
            nobody serves it: for a shard that is damaged.

            EXAMPLES:
              stoa restore /backup/stoa --volume /mnt/new
              stoa restore /backup/stoa --volume /mnt/stoa --only 07

            EXIT STATUS:
              0 the volume is whole; 65 the backup is damaged, or the folder is not
              empty; 69 a folder is away or full; 75 tasks serve the volume, or
              another restore writes there.
            """)

    @Argument(help: "The backup's folder.") var folder: String
    @OptionGroup var volume: VolumeOptions
    @Flag(help: "Throw away what is in the volume's folder.") var overwrite = false
    @Option(help: "Put only this part back; may be given several times.") var only: [String] = []
    @Flag(help: "Print one JSON object at the end.") var json = false

    /// What `--json` prints.
    private struct Report: Encodable {
        let volume: String
        let written: Int
        let kept: Int
        let sessions: Int
        let messages: Int
    }

    func run() async throws {
        try await ExitStatus.reporting {
            let target = PathText.absolute(try volume.folder)
            let progress = Progress("part")
            let result = try await Restore(
                PathText.absolute(folder), to: target, overwrites: overwrite, only: Set(only)
            ).run { part in progress.advance("\(part.name): \(part.bytes >> 10) KiB") }
            progress.end()
            let parts = result.manifest.parts.filter { only.isEmpty || only.contains($0.name) }
            let report = Report(
                volume: target, written: result.written, kept: result.kept,
                sessions: parts.reduce(0) { $0 + $1.sessions },
                messages: parts.reduce(0) { $0 + $1.messages })
            if json { return print(try JSONText.of(report)) }
            print(
                "\(report.written) parts written, \(report.kept) were there; \(report.sessions) sessions, "
                    + "\(report.messages) messages in \(target)")
        }
    }
}
