import ArgumentParser
import ChatCore
import ChatStorage

/// `stoa sessions prune`.
struct PruneSessions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Forget the sessions that were not used for long, for good.",
        discussion: """
            A session is used when one of its conversations changes; reading is no use.
            What is deleted is overwritten (see `stoa sessions delete --help`). Works
            while tasks serve: a conversation is deleted at a time. Safe to interrupt
            and to run again. `stoa serve --retain 90d` does the same by itself.

            EXAMPLES:
              stoa sessions prune --older-than 90d --dry-run --volume /mnt/stoa
              stoa sessions prune --older-than 90d --volume /mnt/stoa

            EXIT STATUS:
              0 done; 65 the volume cannot be read by this program; 69 it is away; 75 a
              shard stayed taken, or another process prunes.
            """)

    @Option(help: "Not used for so long: 90d, 12h, 30m, 45s.") var olderThan: AgeText
    @OptionGroup var volume: VolumeOptions
    @Flag(help: "Only say what would be deleted.") var dryRun = false
    @Flag(help: "Print one JSON object at the end.") var json = false

    /// What `--json` prints.
    private struct Report: Encodable {
        let looked: Int
        let deleted: Int
        let messages: Int
        let dryRun: Bool

        private enum CodingKeys: String, CodingKey {
            case looked, deleted, messages
            case dryRun = "dry_run"
        }
    }

    func run() async throws {
        let folder = try volume.folder
        try await SessionsCommand.with(volume) { catalogue in
            let progress = Progress("part", of: catalogue.partsCount)
            let pruning = Pruning(catalogue, unusedSince: olderThan.before, isRehearsal: dryRun)
            let lock = try await VolumeLock.take(
                .retention, in: PathText.absolute(folder), until: .now + .seconds(5))
            defer { lock.release() }
            let tally = try await pruning.run { part, tally in
                progress.set(part, of: catalogue.partsCount, "\(tally.deleted) of \(tally.looked) sessions")
            }
            progress.end()
            let report = Report(
                looked: tally.looked, deleted: tally.deleted, messages: tally.messages, dryRun: dryRun)
            if json { return print(try JSONText.of(report)) }
            print(
                "\(report.deleted) of \(report.looked) sessions with \(report.messages) messages "
                    + (dryRun ? "would be deleted" : "deleted"))
        }
    }
}
