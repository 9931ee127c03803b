import ArgumentParser
import ChatCore
import ChatStorage

/// `stoa sessions delete`.
struct DeleteSession: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Forget sessions and all they hold, for good.",
        discussion: """
            What was deleted is overwritten with zeros in the database (secure_delete),
            and the shard's log is emptied before this command ends. Backups still hold
            it until they are made anew, and the volume's own snapshots for as long as
            you keep those. Whoever has the key finds an unknown session. Safe to
            interrupt and to run again.

            EXAMPLE:
              stoa sessions delete 3f9a2c --volume /mnt/stoa

            EXIT STATUS:
              0 they are gone; 65 no session begins so, or more than one; 69 the
              volume is away; 75 a shard stayed taken.
            """)

    @Argument(help: "The sessions' ids, or their first digits.") var sessions: [String]
    @OptionGroup var volume: VolumeOptions
    @Flag(help: "Print one JSON object at the end.") var json = false

    func run() async throws {
        try await SessionsCommand.with(volume) { catalogue in
            var ids: [SessionID] = []
            for session in sessions {
                // A whole id that is gone is what was asked for: this was interrupted before, say.
                if let id = SessionID(hexadecimal: session.lowercased()) {
                    ids.append(id)
                } else {
                    ids.append(try await SessionsCommand.find(session, in: catalogue))
                }
            }
            for id in ids { _ = try await catalogue.remove(id, unusedSince: nil) }
            for part in 0..<catalogue.partsCount { try await catalogue.purge(part: part) }
            if json { return print(try JSONText.of(["deleted": ids.map(\.hexadecimal)])) }
            for id in ids { print("\(id.hexadecimal) is gone") }
        }
    }
}
