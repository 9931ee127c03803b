import ArgumentParser
import ChatCore
import ChatStorage

/// `stoa sessions show`.
struct ShowSession: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Say what a session holds: no title and no text.",
        discussion: """
            EXAMPLE:
              stoa sessions show 3f9a2c --volume /mnt/stoa

            EXIT STATUS:
              0 done; 65 there is no such session, or more than one; 69 the volume is
              away; 75 a shard stayed taken.
            """)

    @Argument(help: "The session's id, or its first digits.") var session: String
    @OptionGroup var volume: VolumeOptions
    @Flag(help: "Print one JSON object.") var json = false

    /// What `--json` prints.
    private struct Report: Encodable {
        struct Conversation: Encodable {
            let id: String
            let created: Timestamp
            let used: Timestamp
            let messages: Int
            let running: Bool

            private enum CodingKeys: String, CodingKey {
                case id, messages, running
                case created = "created_ms"
                case used = "used_ms"
            }
        }

        let id: String
        let created: Timestamp
        let content: String
        let conversations: [Conversation]

        private enum CodingKeys: String, CodingKey {
            case id, content, conversations
            case created = "created_ms"
        }
    }

    func run() async throws {
        try await SessionsCommand.with(volume) { catalogue in
            let id = try await SessionsCommand.find(session, in: catalogue)
            guard let document = try await catalogue.document(of: id) else {
                throw ExitStatus.fail("there is no such session", ExitStatus.dataError)
            }
            let report = Report(
                id: id.hexadecimal, created: document.session.created,
                content: try ContentHash(of: document).hexadecimal,
                conversations: document.conversations.map {
                    let value = $0.conversation
                    return Report.Conversation(
                        id: value.id.rawValue, created: value.created, used: value.updated,
                        messages: value.messageCount, running: value.runningAnswer != nil)
                })
            if json { return print(try JSONText.of(report)) }
            print("session  \(report.id)")
            print("made     \(TimeText.minute(report.created))")
            print("content  \(report.content)")
            for conversation in report.conversations {
                print(
                    "  \(conversation.id)  used \(TimeText.minute(conversation.used))  "
                        + "\(conversation.messages) messages\(conversation.running ? ", one running" : "")")
            }
        }
    }
}
