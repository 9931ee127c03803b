/// A session with all it owns, as a value: what `MemorySessionStore` and `FileSessionStore` keep.
package struct SessionDocument: Hashable, Sendable, Codable {
    /// The session.
    package private(set) var session: Session
    /// In the order they were made.
    package private(set) var conversations: [ConversationDocument] = []
    /// How often that list changed; nil in a file that is older than the question.
    private var changes: Int?

    /// See ``SessionStore/sessionVersions(of:)``.
    package var version: Int { changes ?? 0 }

    /// A session without conversations.
    package init(_ session: Session) { self.session = session }

    /// A session that was kept elsewhere, with its conversations in the order they were made.
    package init(_ session: Session, conversations: [ConversationDocument], version: Int) {
        self.session = session
        self.conversations = conversations
        changes = version
    }

    /// Whether any message has alternatives.
    package var hasBranching: Bool { conversations.contains { $0.branching != nil } }

    /// The answers that run.
    package var runningAnswers: [RunningAnswer] {
        conversations.compactMap { document in
            guard let running = document.running, let owner = running.owner else { return nil }
            let place = ConversationReference(
                session: session.id, conversation: document.conversation.id)
            return RunningAnswer(answer: AnswerReference(place, message: running.id), owner: owner)
        }
    }

    /// See ``SessionStore/conversations(of:after:limit:)``.
    package func list(after cursor: ConversationListCursor?, limit: Int) -> ConversationList {
        let limit = min(max(limit, 1), Limits.conversationsPageMax)
        let rest = conversations.map(\.conversation)
            .filter { cursor?.isBefore($0) ?? true }
            .sorted {
                ConversationListCursor.precedes(
                    ConversationListCursor(of: $0), ConversationListCursor(of: $1))
            }
        let page = Array(rest.prefix(limit))
        return ConversationList(
            conversations: page,
            next: rest.count > limit ? page.last.map(ConversationListCursor.init(of:)) : nil)
    }

    /// See ``SessionStore/createConversation(_:in:at:)``.
    package mutating func create(_ new: NewConversation, at time: Timestamp) throws -> CreatedConversation {
        if let known = conversations.first(where: { $0.conversation.id == new.id }) {
            return CreatedConversation(conversation: known.conversation, isNew: false)
        }
        guard conversations.count < Limits.conversationsPerSessionMax else {
            throw ChatError.sessionFull
        }
        let document = ConversationDocument(new, at: time)
        conversations.append(document)
        changes = version + 1
        return CreatedConversation(conversation: document.conversation, isNew: true)
    }

    /// Adds a conversation whose id is new.
    package mutating func add(_ document: ConversationDocument) {
        conversations.append(document)
        changes = version + 1
    }

    /// See ``SessionRotating/rotateSession(_:to:)``.
    /// - Throws: ``ChatError/Code/answerRunning``.
    package mutating func become(_ successor: SessionID) throws {
        guard runningAnswers.isEmpty else { throw ChatError.answerRunningInSession }
        session = Session(id: successor, created: session.created)
        changes = version + 1
    }

    /// See ``SessionStore/deleteConversation(_:of:)``.
    package mutating func delete(_ id: ConversationID) {
        guard let index = conversations.firstIndex(where: { $0.conversation.id == id }) else { return }
        conversations.remove(at: index)
        changes = version + 1
    }

    /// The conversation `id`.
    /// - Throws: ``ChatError/Code/notFound``.
    package func conversation(_ id: ConversationID) throws -> ConversationDocument {
        guard let document = conversations.first(where: { $0.conversation.id == id }) else {
            throw ChatError.notFound("conversation")
        }
        return document
    }

    /// Changes the conversation `id`.
    /// - Throws: ``ChatError/Code/notFound``, or what `body` throws; nothing is changed then.
    package mutating func change<Result>(
        _ id: ConversationID, _ body: (inout ConversationDocument) throws -> Result
    ) throws -> Result {
        guard let index = conversations.firstIndex(where: { $0.conversation.id == id }) else {
            throw ChatError.notFound("conversation")
        }
        var document = conversations[index]
        let result = try body(&document)
        if document.conversation != conversations[index].conversation { changes = version + 1 }
        conversations[index] = document
        return result
    }
}
