import ChatCore
import Hummingbird

/// Follows a session's list of conversations for one reader.
struct SessionEventStream {
    let session: SessionID
    /// The session's version that the reader has seen; 0 for nothing.
    let version: Int
    let task: ChatTask
    let output: EventOutput
    let context: ChatRequestContext

    /// Writes events until the session, the task or the client is gone.
    /// - Throws: `CancellationError` when the client left; what writing to it throws.
    func run() async throws {
        try await output.write(ServerSentEvent.beat)
        try await task.withReader(of: session, from: version) { reader in
            while try await writeNext(&reader) {}
        }
    }

    /// - Returns: false after the last event.
    private func writeNext(_ reader: inout SessionReader) async throws -> Bool {
        let before = Cursor(version: reader.version, offset: 0)
        let event: SessionReader.Event
        do {
            event = try await reader.next()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            ErrorMiddleware.log(error, context)
            try await output.write([.error(Problem(of: error), cursor: before)])
            return false
        }
        switch event {
        case .changes(let changes):
            let after = Cursor(version: reader.version, offset: 0)
            try await output.write(Self.events(of: changes, before: before, after: after))
        case .beat: try await output.write(ServerSentEvent.beat)
        case .gone:
            try await output.write([.bare("gone", cursor: before)])
            return false
        case .leaving:
            try await output.write([.bare("restart", cursor: before)])
            return false
        }
        return true
    }

    /// Whoever has seen the last one has seen all of them.
    static func events(of changes: SessionChanges, before: Cursor, after: Cursor) -> [ServerSentEvent] {
        guard !changes.isWhole else {
            return [.list(changes.conversations, isMore: changes.isMore, cursor: after)]
        }
        var events = changes.removed.map { ServerSentEvent.removed($0, cursor: before) }
        events += changes.conversations.map { .conversation($0, cursor: before) }
        if let last = events.popLast() {
            events.append(ServerSentEvent(name: last.name, data: last.data, cursor: after))
        }
        return events
    }
}
