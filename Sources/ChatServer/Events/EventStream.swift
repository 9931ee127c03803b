import ChatCore
import Hummingbird
import NIOCore

/// Follows a conversation for one reader, from its first event to its last.
///
/// Every event carries the cursor from which a reader that has seen it, and nothing after it, misses nothing:
/// so inside a batch the cursors climb message by message, and a batch that must be seen as a whole carries
/// "from the start" until its last event.
struct EventStream {
    /// Where the reader begins.
    enum Start: Sendable {
        /// With the last page of the conversation.
        case page(ConversationPage)
        /// After what it saw.
        case cursor(Cursor)
    }

    /// A block that is still open is sent again with each growth. A reader gets such bytes at this pace, not
    /// twenty times a second.
    private static let deltaBytesPerSecond = 128 * 1024
    private static let pauseMillisecondsMax = 400

    let conversation: ConversationReference
    let start: Start
    let task: ChatTask
    /// Nil when the reader does not want HTML.
    let renderer: AnswerRenderer?
    let output: EventOutput
    let context: ChatRequestContext

    /// Writes events until the conversation, the task or the client is gone.
    /// - Throws: `CancellationError` when the client left; what writing to it throws. Errors of the
    ///   conversation are its last event, not thrown.
    func run() async throws {
        // Nothing waits for the first event: the page knows at once that it is connected.
        try await output.write(ServerSentEvent.beat)
        let cursor = try await writeStart()
        try await task.withReader(of: conversation, from: cursor) { reader in
            while try await writeNext(&reader) {}
        }
    }

    private func writeStart() async throws -> Cursor {
        guard case .page(let page) = start else {
            guard case .cursor(let cursor) = start else { return .start }
            return cursor
        }
        let blocks = await renderer?.blocks(of: page.messages)
        let last = page.messages.last?.id
        let conversationEvent = ServerSentEvent.conversation(
            page.conversation, cursor: last == nil ? page.cursor : .start)
        try await output.write([conversationEvent])
        for message in page.messages {
            try await output.write([
                .message(
                    message, blocks: blocks?[message.id], cursor: message.id == last ? page.cursor : .start)
            ])
        }
        return page.cursor
    }

    /// - Returns: false after the last event.
    private func writeNext(_ reader: inout ConversationReader) async throws -> Bool {
        let before = reader.cursor
        let event: ConversationReader.Event
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
        case .changes(let changes): try await write(changes, after: before)
        case .growth(let growth, let whole): try await write(growth, whole, cursor: reader.cursor)
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

    private func write(_ growth: AnswerGrowth, _ whole: String, cursor: Cursor) async throws {
        let bytes =
            if let renderer, !growth.said.text.isEmpty {
                await renderer.delta(growth, whole: whole, cursor: cursor)
            } else {
                ServerSentEvent.delta(growth, whole: whole, change: nil, cursor: cursor).bytes
            }
        try await output.write(bytes)
        let pause = bytes.readableBytes * 1_000 / Self.deltaBytesPerSecond
        if pause > Limits.deltaIntervalMilliseconds {
            try await Task.sleep(for: .milliseconds(min(pause, Self.pauseMillisecondsMax)))
        }
    }

    private func write(_ changes: ConversationChanges, after before: Cursor) async throws {
        let before = changes.isReset ? Cursor.start : before
        let blocks = await renderer?.blocks(of: changes.messages)
        var events: [ServerSentEvent] = []
        if changes.isReset { events.append(.reset(earlier: changes.earlier, cursor: before)) }
        if let position = changes.droppedAfter { events.append(.drop(after: position, cursor: before)) }
        events.append(.conversation(changes.conversation, cursor: before))
        var seen = before
        for message in changes.messages {
            // What was dropped or is only the last page is seen as a whole or not at all.
            if changes.droppedAfter == nil, changes.earlier == nil {
                seen.version = max(seen.version, message.version)
                seen.offset = message.state == .running ? message.said.bytes : 0
            }
            events.append(.message(message, blocks: blocks?[message.id], cursor: seen))
        }
        // Whoever has seen the last event has seen all of them.
        if changes.growth == nil, let last = events.popLast() {
            events.append(ServerSentEvent(name: last.name, data: last.data, cursor: changes.cursor))
        }
        // One write an event: a batch of fifty long messages is not held in memory at once.
        for event in events { try await output.write([event]) }
        if let growth = changes.growth { try await write(stored: growth, cursor: changes.cursor) }
    }

    /// A growth that came from the store, without the text before it, which its blocks need.
    private func write(stored growth: AnswerGrowth, cursor: Cursor) async throws {
        let page = try await inOwnTask { [task, conversation] in
            try await task.page(of: conversation, before: nil, limit: 1)
        }
        // What was not found ended meanwhile: its message comes next, as a whole.
        guard let message = page.messages.last, message.id == growth.message, message.said.bytes >= growth.end
        else { return }
        let end = max(growth.end - message.reasoning.utf8.count, 0)
        guard let whole = String(message.text.utf8.prefix(end)) else { return }
        try await write(growth, whole, cursor: cursor)
    }
}
