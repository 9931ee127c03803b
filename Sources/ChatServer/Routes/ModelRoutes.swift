import ChatCore
import Hummingbird

/// The models on offer; no secret, so no key is asked for.
struct ModelRoutes: Sendable {
    let catalogue: ModelCatalogue
    /// The longest file of an import, in bytes.
    let importBytesMax: Int

    func add(to routes: RouteTable) { routes.on(.get, "/api/v1/models", use: list) }

    private func list(_ request: Request, _ context: ChatRequestContext) -> Response {
        .json(
            .fields([
                "default": .string(catalogue.defaultID),
                "models": .array(catalogue.models.map(\.descriptor.json)), "limits": limits,
            ]))
    }

    /// What a client can say before it hurts.
    private var limits: JSONValue {
        .fields([
            "prompt_bytes": .count(Limits.promptBytesMax), "title_bytes": .count(Limits.titleBytesMax),
            "system_prompt_bytes": .count(Limits.systemPromptBytesMax),
            "search_bytes": .count(Limits.searchQueryBytesMax),
            "search_words": .count(Limits.searchWordsMax), "import_bytes": .count(importBytesMax),
            "conversations": .count(Limits.conversationsPerSessionMax),
            "messages": .count(Limits.messagesPerConversationMax),
        ])
    }
}
