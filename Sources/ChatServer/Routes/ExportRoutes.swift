import ChatCore
import HTTPTypes
import Hummingbird
import NIOCore

/// Conversations to take away: all of a session, or one.
struct ExportRoutes: Sendable {
    let task: ChatTask
    let deadlines: ConnectionDeadlines
    let slots: Slots

    func add(to routes: RouteTable) {
        routes.on(.get, "/api/v1/export", use: exportAll)
        routes.on(.get, "/api/v1/conversations/{id}/export", use: exportOne)
    }

    private func exportAll(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let session = try request.session(context)
        let format = try format(of: request)
        let slot = try takeSlot()
        let conversations = try await Export.conversations(of: session, in: task.store)
        let now = Timestamp.now()
        return respond(
            Export(conversations, of: session, store: task.store), as: format, at: now,
            name: ExportName("stoa", at: now), slot, context)
    }

    private func exportOne(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let conversation = try request.conversation(context)
        let format = try format(of: request)
        let slot = try takeSlot()
        let known = try await task.store.conversation(
            conversation.conversation, of: conversation.session, before: nil, limit: 1
        ).conversation
        let now = Timestamp.now()
        return respond(
            Export([known.id], of: conversation.session, store: task.store), as: format, at: now,
            name: ExportName(known.title, at: now), slot, context)
    }

    private func format(of request: Request) throws -> ExportFormat {
        guard let format = ExportFormat(rawValue: try request.query("format") ?? "json") else {
            throw ChatError(.invalid, "The parameter `format` can be `json` or `markdown`.")
        }
        return format
    }

    private func takeSlot() throws -> Slot {
        guard let slot = slots.take() else {
            throw ChatError.busy("This server", retryAfterMilliseconds: 5_000)
        }
        return slot
    }

    private func respond(
        _ export: Export, as format: ExportFormat, at time: Timestamp, name: ExportName, _ slot: Slot,
        _ context: ChatRequestContext
    ) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: format.mediaType, .cacheControl: "no-store",
                .contentDisposition: name.disposition(suffix: format.suffix),
            ],
            body: ResponseBody { writer in
                defer { withExtendedLifetime(slot) {} }
                var writer = writer
                do {
                    try await export.write(as: format, at: time) { bytes in
                        let piece = ByteBuffer(bytes: bytes)
                        try await deadlines.limit(context.channel) { try await writer.write(piece) }
                    }
                } catch {
                    // The status is sent; a connection that breaks off is how a client learns of it.
                    ErrorMiddleware.log(error, context)
                    throw error
                }
                try await writer.finish(nil)
            })
    }
}
