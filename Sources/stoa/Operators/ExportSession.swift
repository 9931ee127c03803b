import ArgumentParser
import ChatCore
import ChatStorage

/// `stoa sessions export`.
struct ExportSession: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Print all that a session holds, as JSON.",
        discussion: """
            Everything, alternatives and system prompts included, as one object: what
            somebody may ask you for. Handle it like a letter.

            EXAMPLE:
              stoa sessions export 3f9a2c --volume /mnt/stoa > session.json

            EXIT STATUS:
              0 done; 65 there is no such session, or more than one; 69 the volume is
              away; 75 a shard stayed taken.
            """)

    @Argument(help: "The session's id, or its first digits.") var session: String
    @OptionGroup var volume: VolumeOptions

    func run() async throws {
        try await SessionsCommand.with(volume) { catalogue in
            let id = try await SessionsCommand.find(session, in: catalogue)
            guard let document = try await catalogue.document(of: id) else {
                throw ExitStatus.fail("there is no such session", ExitStatus.dataError)
            }
            print(try JSONText.of(document))
        }
    }
}
