import ChatCore
import Hummingbird

/// Conversations: listed, made, read in pages, patched, emptied, deleted.
struct ConversationRoutes: Sendable {
    private static let listCount = 50
    private static let pageCount = 30

    let task: ChatTask
    let renderer: AnswerRenderer
    let bodies: BodyReader

    func add(to routes: RouteTable) {
        routes.on(.get, "/api/v1/conversations", use: list)
        routes.on(.post, "/api/v1/conversations", use: create)
        routes.on(.get, "/api/v1/conversations/{id}", use: read)
        routes.on(.patch, "/api/v1/conversations/{id}", use: patch)
        routes.on(.delete, "/api/v1/conversations/{id}", use: delete)
        routes.on(.post, "/api/v1/conversations/{id}/reset", use: reset)
    }

    private func list(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let session = try request.session(context)
        let limit = try request.limit(default: Self.listCount, most: Limits.conversationsPageMax)
        let before = try request.query("before").map { text in
            guard let cursor = ConversationListCursor(text) else {
                throw ChatError(.invalid, "The parameter `before` is no place in this list.")
            }
            return cursor
        }
        let list = try await task.store.conversations(of: session, after: before, limit: limit)
        return .json(
            .fields([
                "conversations": .array(list.conversations.map(\.json)), "next": .text(list.next?.text),
            ]))
    }

    private func create(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let session = try request.session(context)
        let fields = try await bodies.fields(of: request, context)
        let id = try fields.optionalString("id").map(ConversationID.init(validating:)) ?? .random()
        context.record.conversation = id
        let model = try fields.nullableString("model") ?? nil
        if let model { _ = try task.catalogue.model(model) }
        let new = try NewConversation(
            id: id, title: try fields.optionalString("title") ?? "", model: model,
            systemPrompt: try fields.nullableString("system_prompt") ?? nil)
        let created = try await task.create(new, in: session)
        return .json(created.conversation.json, status: created.isNew ? .created : .ok)
    }

    private func read(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let conversation = try request.conversation(context)
        let limit = try request.limit(default: Self.pageCount, most: Limits.messagesPageMax)
        let before = try request.query("before").map { text in
            guard let position = Int(text), position >= 0 else {
                throw ChatError(.invalid, "The parameter `before` must be a message's position.")
            }
            return position
        }
        let rendersHTML = try request.rendersHTML()
        let page = try await task.page(of: conversation, before: before, limit: limit)
        let blocks = rendersHTML ? await renderer.blocks(of: page.messages) : [:]
        return .json(
            .fields([
                "conversation": page.conversation.json,
                "messages": .array(page.messages.map { $0.json(blocks: blocks[$0.id]) }),
                "earlier": .count(page.earlier), "cursor": .string(page.cursor.description),
            ]))
    }

    private func patch(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let conversation = try request.conversation(context)
        let fields = try await bodies.fields(of: request, context)
        let patch = try ConversationPatch(
            title: try fields.optionalString("title"), model: try fields.nullableString("model"),
            systemPrompt: try fields.nullableString("system_prompt"),
            isPinned: try fields.optionalBool("pinned"),
            shown: try fields.optionalString("shown").map(MessageID.init(validating:)))
        if case .some(.some(let model)) = patch.model { _ = try task.catalogue.model(model) }
        return .json(try await task.update(conversation, with: patch).json)
    }

    private func delete(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        try await task.delete(try request.conversation(context))
        return .noContent
    }

    private func reset(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        .json(try await task.reset(try request.conversation(context)).json)
    }
}
