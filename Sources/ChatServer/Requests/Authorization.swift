import ChatCore
import HTTPTypes
import Hummingbird

extension Request {
    /// The session that the request's key opens, if it exists. Whether it does is found out by the store with
    /// the request's own call: no look-up is spent on it.
    /// - Throws: ``ChatError/Code/unauthorized`` without a key, or with one that no server ever made.
    func session(_ context: ChatRequestContext) throws -> SessionID { try key(context).sessionID }

    /// The key itself, for what is made of it.
    /// - Throws: as ``session(_:)``.
    func key(_ context: ChatRequestContext) throws -> SessionKey {
        let fields = headers[values: .authorization]
        guard let field = fields.first, fields.count == 1 else {
            throw ChatError(.unauthorized, "A key is needed: send it as `Authorization: Bearer KEY`.")
        }
        // RFC 9110, 11.1: the scheme's name is case-insensitive.
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer", let key = SessionKey(parts[1]) else {
            throw ChatError(.unauthorized, "This is not a key of a session.")
        }
        context.record.session = key.sessionID
        return key
    }

    /// The conversation that the path names, in the session that the key opens.
    /// - Throws: ``ChatError/Code/unauthorized``; ``ChatError/Code/notFound`` for an id that none can have.
    func conversation(_ context: ChatRequestContext) throws -> ConversationReference {
        let session = try session(context)
        guard let id = context.parameters.get("id").flatMap(ConversationID.init(rawValue:)) else {
            throw ChatError.notFound("conversation")
        }
        context.record.conversation = id
        return ConversationReference(session: session, conversation: id)
    }

    /// The message that the path names.
    /// - Throws: ``ChatError/Code/notFound`` for an id that none can have.
    func message(_ context: ChatRequestContext) throws -> MessageID {
        guard let id = context.parameters.get("message").flatMap(MessageID.init(rawValue:)) else {
            throw ChatError.notFound("message")
        }
        return id
    }
}
