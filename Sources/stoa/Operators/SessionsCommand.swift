import ArgumentParser
import ChatCore
import ChatStorage
import Logging

/// `stoa sessions`.
struct SessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "List, show, export, delete and prune sessions.",
        discussion: """
            Works while tasks serve, as one more of them. A session is named by its id,
            the hash of its key, or by as many of its first digits as are unique.

            EXAMPLES:
              stoa sessions list --volume /mnt/stoa
              stoa sessions prune --older-than 90d --dry-run --volume /mnt/stoa
            """,
        subcommands: [
            ListSessions.self, ShowSession.self, ExportSession.self, DeleteSession.self, PruneSessions.self,
        ])

    /// Opens the sessions of a volume for the time of `body`.
    static func with<Value>(
        _ options: VolumeOptions, _ body: (any SessionCatalogue) async throws -> Value
    ) async throws -> Value {
        try await ExitStatus.reporting {
            let volume = try await Volume.open(at: options.folder)
            let catalogue = try volume.catalogue(logger: Logger(label: "stoa.sessions"))
            do {
                let value = try await body(catalogue)
                await catalogue.close()
                return value
            } catch {
                await catalogue.close()
                throw error
            }
        }
    }

    /// The session whose id begins with `prefix`.
    /// - Throws: the exit status 65 when there is none, or more than one.
    static func find(_ prefix: String, in catalogue: any SessionCatalogue) async throws -> SessionID {
        let prefix = prefix.lowercased()
        if let id = SessionID(hexadecimal: prefix) {
            if try await catalogue.document(of: id) != nil { return id }
            throw ExitStatus.fail("there is no such session", ExitStatus.dataError)
        }
        guard prefix.utf8.count >= 4, prefix.allSatisfy(\.isHexDigit) else {
            throw ValidationError("A session is named by 4 to 64 hexadecimal digits of its id.")
        }
        var found: [SessionID] = []
        try await catalogue.forEach { summary in
            if summary.id.hexadecimal.hasPrefix(prefix) { found.append(summary.id) }
            return found.count < 2
        }
        guard found.count == 1 else {
            throw ExitStatus.fail(
                found.isEmpty ? "there is no such session" : "more than one session begins like that",
                ExitStatus.dataError)
        }
        return found[0]
    }
}

/// A session as `--json` prints it.
struct SessionReport: Encodable {
    let id: String
    let created: Timestamp
    let used: Timestamp
    let conversations: Int
    let messages: Int

    private enum CodingKeys: String, CodingKey {
        case id, conversations, messages
        case created = "created_ms"
        case used = "used_ms"
    }

    init(_ summary: SessionSummary) {
        id = summary.id.hexadecimal
        created = summary.created
        used = summary.used
        conversations = summary.conversations
        messages = summary.messages
    }
}
