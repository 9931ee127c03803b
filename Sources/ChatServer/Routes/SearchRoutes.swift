import ChatCore
import Hummingbird

/// Searching a session's titles and texts.
struct SearchRoutes: Sendable {
    private static let pageCount = 20

    let task: ChatTask
    let slots: Slots

    func add(to routes: RouteTable) { routes.on(.get, "/api/v1/search", use: search) }

    private func search(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let session = try request.session(context)
        guard let text = try request.query("q") else {
            throw ChatError(.invalid, "The parameter `q` is missing.")
        }
        let query = try SearchQuery(text)
        let limit = try request.limit(default: Self.pageCount, most: Limits.searchPageMax)
        let place = try request.query("before").map { text in
            guard let place = SearchPlace(text) else {
                throw ChatError(.invalid, "The parameter `before` is no place in this search.")
            }
            return place
        }
        guard let slot = slots.take() else { throw ChatError.busy("This server") }
        defer { withExtendedLifetime(slot) {} }
        let page = try await Search(query, limit: limit).page(of: session, from: place, in: task.store)
        return .json(
            .fields([
                "results": .array(page.results.map(\.json)), "next": .text(page.next?.text),
            ]))
    }
}

extension SearchResult {
    /// As the contract has it.
    fileprivate var json: JSONValue {
        .fields(["conversation": conversation.json, "hits": .array(hits.map(\.json))])
    }
}

extension SearchHit {
    fileprivate var json: JSONValue {
        .fields([
            "message": .text(message?.id.rawValue), "role": .text(message?.role.rawValue),
            "position": .count(message?.position),
            "snippet": .array(
                snippet.pieces.map { .fields(["text": .string($0.text), "hit": .bool($0.isHit)]) }),
        ])
    }
}
