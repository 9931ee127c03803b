import ArgumentParser
import ChatCore
import ChatStorage

/// `stoa sessions list`.
struct ListSessions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List sessions: no title and no text.",
        discussion: """
            One line a session, in no particular order; with --json one object a line.

            EXAMPLE:
              stoa sessions list --volume /mnt/stoa --older-than 90d --json | jq -r .id

            EXIT STATUS:
              0 done; 65 the volume cannot be read by this program; 69 it is away; 75 a
              shard stayed taken.
            """)

    @OptionGroup var volume: VolumeOptions
    @Option(help: "Only those not used for so long: 90d, 12h, 30m, 45s.") var olderThan: AgeText?
    @Option(help: "At most so many.") var limit: Int?
    @Flag(help: "Print one JSON object a line.") var json = false

    func run() async throws {
        let before = olderThan?.before
        try await SessionsCommand.with(volume) { catalogue in
            var count = 0
            try await catalogue.forEach { summary in
                if let before, summary.used >= before { return true }
                if let limit, count >= limit { return false }
                count += 1
                if json {
                    print(try JSONText.line(SessionReport(summary)))
                } else {
                    print(
                        "\(summary.id.hexadecimal)  made \(TimeText.minute(summary.created))  used "
                            + "\(TimeText.minute(summary.used))  \(summary.conversations) conversations, "
                            + "\(summary.messages) messages")
                }
                return true
            }
        }
    }
}
