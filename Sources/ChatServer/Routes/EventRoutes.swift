import ChatCore
import HTTPTypes
import Hummingbird

/// The event streams of a conversation, and of a session.
struct EventRoutes: Sendable {
    /// Messages that a reader without a cursor is shown first.
    private static let pageCount = 30

    let task: ChatTask
    let renderer: AnswerRenderer
    let deadlines: ConnectionDeadlines
    let slots: Slots

    func add(to routes: RouteTable) {
        routes.on(.get, "/api/v1/conversations/{id}/events", use: follow)
        routes.on(.get, "/api/v1/session/events", use: followSession)
    }

    /// All that can be refused is refused before the stream begins, while there is a status to say so.
    private func follow(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        // A page that came back to a task that is leaving would only be sent away again, and again.
        guard !task.hasLeft else { throw ChatError.closed }
        let conversation = try request.conversation(context)
        let rendersHTML = try request.rendersHTML()
        let seen = try cursor(of: request)
        let slot = try takeSlot()
        let start = try await start(of: conversation, after: seen)
        return stream(request, context, slot) { output in
            try await EventStream(
                conversation: conversation, start: start, task: task,
                renderer: rendersHTML ? renderer : nil, output: output, context: context
            ).run()
        }
    }

    private func followSession(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        guard !task.hasLeft else { throw ChatError.closed }
        let session = try request.session(context)
        let seen = try cursor(of: request)
        let slot = try takeSlot()
        _ = try await task.store.session(session)
        return stream(request, context, slot) { output in
            try await SessionEventStream(
                session: session, version: seen?.version ?? 0, task: task, output: output, context: context
            ).run()
        }
    }

    private func takeSlot() throws -> Slot {
        guard let slot = slots.take() else {
            throw ChatError.busy("This server", retryAfterMilliseconds: 5_000)
        }
        return slot
    }

    private func stream(
        _ request: Request, _ context: ChatRequestContext, _ slot: Slot,
        _ run: @escaping @Sendable (EventOutput) async throws -> Void
    ) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-cache, no-transform",
                .accelBuffering: "no", .connection: "close",
            ],
            body: ResponseBody { writer in
                // The body holds the slot, so a stream that is dropped before it is written gives it back
                // too.
                defer { withExtendedLifetime(slot) {} }
                let output = EventOutput(writer: writer, channel: context.channel, deadlines: deadlines)
                // A GET has no body, so all that can still come in is the end of the connection.
                try await request.body.consumeWithCancellationOnInboundClose { _ in try await run(output) }
                try await writer.finish(nil)
            })
    }

    /// What the reader saw last. A cursor that is malformed, or names the time before the first change, is
    /// none.
    private func cursor(of request: Request) throws -> Cursor? {
        let text = try request.headers[.lastEventID] ?? request.query("cursor")
        guard let cursor = text.flatMap({ Cursor($0) }), cursor.version > 0 else { return nil }
        return cursor
    }

    private func start(of conversation: ConversationReference, after cursor: Cursor?) async throws
        -> EventStream.Start
    {
        guard let cursor else {
            return .page(try await task.page(of: conversation, before: nil, limit: Self.pageCount))
        }
        if try await task.store.cursors(of: [conversation]).isEmpty {
            // Which of the two it is decides whether the page drops the conversation or its key.
            _ = try await task.store.session(conversation.session)
            throw ChatError.notFound("conversation")
        }
        return .cursor(cursor)
    }
}
