import ChatCore
import Hummingbird

/// A session: made, looked at, forgotten.
struct SessionRoutes: Sendable {
    private static let overviewCount = 50

    let task: ChatTask

    func add(to routes: RouteTable) {
        routes.on(.post, "/api/v1/sessions", use: create)
        routes.on(.get, "/api/v1/session", use: overview)
        routes.on(.delete, "/api/v1/session", use: forget)
    }

    /// The only moment at which a key leaves the server.
    private func create(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let key = SessionKey()
        context.record.session = key.sessionID
        let session = try await task.store.createSession(Session(id: key.sessionID, created: .now()))
        return .json(
            .fields(["key": .string(key.secretText), "session": session.json]), status: .created)
    }

    private func overview(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let id = try request.session(context)
        let session = try await task.store.session(id)
        let list = try await task.store.conversations(of: id, after: nil, limit: Self.overviewCount)
        return .json(
            .fields([
                "session": session.json, "task": .string(task.id.rawValue), "host": .string(task.host),
                "conversations": .array(list.conversations.map(\.json)), "more": .bool(list.next != nil),
            ]))
    }

    /// A repetition finds nothing to delete, and that is the same as having deleted it: 204.
    private func forget(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        try await task.store.deleteSession(try request.session(context))
        return .noContent
    }
}
