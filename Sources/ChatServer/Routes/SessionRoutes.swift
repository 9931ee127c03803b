import ChatCore
import Hummingbird

/// A session: made, looked at, forgotten.
struct SessionRoutes: Sendable {
    private static let overviewCount = 50

    let task: ChatTask
    let bodies: BodyReader

    func add(to routes: RouteTable) {
        routes.on(.post, "/api/v1/sessions", use: create)
        routes.on(.get, "/api/v1/session", use: overview)
        routes.on(.delete, "/api/v1/session", use: forget)
        routes.on(.post, "/api/v1/session/rotate", use: rotate)
    }

    /// With a rotation, the only moment at which a key leaves the server.
    private func create(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let key = SessionKey()
        context.record.session = key.sessionID
        let session = try await task.store.createSession(Session(id: key.sessionID, created: .now()))
        return .json(
            .fields(["key": .string(key.secretText), "session": session.json]), status: .created)
    }

    /// The new key is made of the old one and of the nonce, so that a client whose answer was lost asks again
    /// and gets the same.
    private func rotate(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        let key = try request.key(context)
        let fields = try await bodies.fields(of: request, context)
        guard let nonce = Base64URL.decode(try fields.string("nonce")),
            nonce.count == SessionKey.nonceBytes
        else {
            throw ChatError(
                .invalid, "The field `nonce` must be 43 characters of base64url: 256 random bits.")
        }
        let rotated = try await task.rotate(key, nonce: nonce)
        return .json(
            .fields(["key": .string(rotated.key.secretText), "session": rotated.session.json]))
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
