package import ChatCore
package import Testing

/// A store in a test: one session, two tasks, and short ways to say what happens.
struct StoreFixture: Sendable {
    let store: any SessionStore
    /// Another task's store on the same data; the same one where data cannot be shared.
    let other: any SessionStore
    let isShared: Bool
    let makeStore: @Sendable () async throws -> any SessionStore
    let session: SessionID
    let owner = AnswerOwner(task: .random(), host: "here", epoch: 1)

    init(isShared: Bool, makeStore: @escaping @Sendable () async throws -> any SessionStore) async throws {
        self.isShared = isShared
        self.makeStore = makeStore
        store = try await makeStore()
        other = isShared ? try await makeStore() : store
        session = try await store.createSession(Session(id: SessionKey().sessionID, created: at(1))).id
    }

    func close() async {
        await store.close()
        await other.close()
    }

    /// Another session of the same store.
    func stranger() async throws -> SessionID {
        try await store.createSession(Session(id: SessionKey().sessionID, created: at(1))).id
    }

    func conversation(_ title: String = "", time: Int64 = 10) async throws -> ConversationID {
        let new = try NewConversation(id: .random(), title: title)
        return try await store.createConversation(new, in: session, at: at(time)).conversation.id
    }

    func turn(_ text: String = "Hello?", id: MessageID = .random()) throws -> NewTurn {
        try NewTurn(promptID: id, text: text, model: "demo", owner: owner)
    }

    /// Begins a turn, and ends it as well if there is an `answer`.
    @discardableResult
    func begin(
        _ text: String = "Hello?", in conversation: ConversationID, replacing replaced: MessageID? = nil,
        answer: String? = nil, time: Int64 = 20
    ) async throws -> Turn {
        let new = try NewTurn(
            promptID: .random(), text: text, model: "demo", replacing: replaced, owner: owner)
        let turn = try await store.beginTurn(new, in: conversation, of: session, at: at(time))
        if let answer {
            _ = try await store.finish(
                place(turn.answer.id, conversation), with: part(0, answer), end: AnswerEnd(state: .complete),
                at: at(time))
        }
        return turn
    }

    func place(_ answer: MessageID, _ conversation: ConversationID) -> AnswerReference {
        AnswerReference(session: session, conversation: conversation, message: answer)
    }

    func part(_ offset: Int, _ text: String, by owner: AnswerOwner? = nil) -> AnswerPart {
        AnswerPart(owner: owner ?? self.owner, offset: offset, text: text)
    }

    func part(_ offset: Int, _ said: Utterance) -> AnswerPart {
        AnswerPart(owner: owner, offset: offset, said: said)
    }

    func page(_ conversation: ConversationID, before: Int? = nil, limit: Int = 100) async throws
        -> ConversationPage
    {
        try await other.conversation(conversation, of: session, before: before, limit: limit)
    }

    func reference(_ conversation: ConversationID) -> ConversationReference {
        ConversationReference(session: session, conversation: conversation)
    }

    func cursor(_ conversation: ConversationID) async throws -> Cursor? {
        try await other.cursors(of: [reference(conversation)])[reference(conversation)]
    }

    func changes(
        _ conversation: ConversationID, since cursor: Cursor, limit: Int = 50
    ) async throws -> ConversationChanges? {
        try await other.changes(in: conversation, of: session, since: cursor, limit: limit)
    }
}

/// A moment of a test.
func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

/// Records an issue unless `body` throws a ``ChatError`` with `code`; returns the error.
@discardableResult
package func expectError<Value>(
    _ code: ChatError.Code, _ what: String = "", sourceLocation: SourceLocation = #_sourceLocation,
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
) async -> ChatError? {
    do {
        _ = try await body()
        Issue.record("no error, expected \(code) \(what)", sourceLocation: sourceLocation)
    } catch let error as ChatError {
        #expect(error.code == code, "\(what)", sourceLocation: sourceLocation)
        return error
    } catch {
        Issue.record("\(error), expected \(code) \(what)", sourceLocation: sourceLocation)
    }
    return nil
}
