import ChatCore
import HTTPTypes
import Hummingbird

/// A conversation's event stream.
struct EventRoutes: Sendable {
    /// Messages that a reader without a cursor is shown first.
    private static let pageCount = 30

    let task: ChatTask
    let renderer: AnswerRenderer
    let deadlines: ConnectionDeadlines
    let slots: Slots

    func add(to routes: RouteTable) {
        routes.on(.get, "/api/v1/conversations/{id}/events", use: follow)
    }

    /// All that can be refused is refused before the stream begins, while there is a status to say so.
    private func follow(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        // A page that came back to a task that is leaving would only be sent away again, and again.
        guard !task.hasLeft else { throw ChatError.closed }
        let conversation = try request.conversation(context)
        let rendersHTML = try request.rendersHTML()
        let seen = try cursor(of: request)
        guard let slot = slots.take() else {
            throw ChatError.busy("This server", retryAfterMilliseconds: 5_000)
        }
        let start = try await start(of: conversation, after: seen)

        return Response(
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
                let stream = EventStream(
                    conversation: conversation, start: start, task: task,
                    renderer: rendersHTML ? renderer : nil, output: output, context: context)
                // A GET has no body, so all that can still come in is the end of the connection.
                try await request.body.consumeWithCancellationOnInboundClose { _ in try await stream.run() }
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
