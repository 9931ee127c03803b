import ChatCore

/// A store that cannot make sessions: it fails, or takes its time; everything else is not for tests.
struct FailingStore: SessionStore {
    /// Nil: making a session takes as long as `wait` does.
    let error: (any Error)?
    var wait: @Sendable () async throws -> Void = {}

    func createSession(_ session: Session) async throws -> Session {
        if let error { throw error }
        try await wait()
        return session
    }

    func session(_ id: SessionID) async throws -> Session { throw unused }
    func deleteSession(_ id: SessionID) async throws { throw unused }
    func conversations(of session: SessionID, after cursor: ConversationListCursor?, limit: Int) async throws
        -> ConversationList
    { throw unused }
    func createConversation(_ new: NewConversation, in session: SessionID, at time: Timestamp) async throws
        -> CreatedConversation
    { throw unused }
    func conversation(_ id: ConversationID, of session: SessionID, before position: Int?, limit: Int)
        async throws
        -> ConversationPage
    { throw unused }
    func updateConversation(
        _ id: ConversationID, of session: SessionID, with patch: ConversationPatch, at time: Timestamp
    ) async throws -> Conversation { throw unused }
    func deleteConversation(_ id: ConversationID, of session: SessionID) async throws { throw unused }
    func resetConversation(_ id: ConversationID, of session: SessionID, at time: Timestamp) async throws
        -> Conversation
    { throw unused }
    func beginTurn(
        _ turn: NewTurn, in conversation: ConversationID, of session: SessionID, at time: Timestamp
    )
        async throws -> Turn
    { throw unused }
    func retryAnswer(
        _ retry: Retry, in conversation: ConversationID, of session: SessionID, at time: Timestamp
    ) async throws -> Turn { throw unused }
    func continueAnswer(
        _ continuation: Continuation, in conversation: ConversationID, of session: SessionID,
        at time: Timestamp
    ) async throws -> Turn { throw unused }
    func append(_ part: AnswerPart, to answer: AnswerReference) async throws -> AppendReceipt { throw unused }
    func finish(_ answer: AnswerReference, with part: AnswerPart, end: AnswerEnd, at time: Timestamp)
        async throws
        -> Message
    { throw unused }
    func interrupt(_ answer: AnswerReference, ownedBy owner: AnswerOwner, at time: Timestamp) async throws
        -> Bool
    {
        throw unused
    }
    func requestStop(_ answer: MessageID?, in conversation: ConversationID, of session: SessionID)
        async throws -> MessageID?
    { throw unused }
    func history(
        endingWith prompt: MessageID, in conversation: ConversationID, of session: SessionID, bytesMax: Int
    ) async throws -> [Message] { throw unused }
    func cursors(of conversations: Set<ConversationReference>) async throws -> [ConversationReference: Cursor]
    {
        throw unused
    }
    func changes(in conversation: ConversationID, of session: SessionID, since cursor: Cursor, limit: Int)
        async throws -> ConversationChanges?
    { throw unused }
    func sessionVersions(of sessions: Set<SessionID>) async throws -> [SessionID: Int] { throw unused }
    var sweepPartsCount: Int { 1 }
    func runningAnswers(inPart part: Int, limit: Int) async throws -> [RunningAnswer] { throw unused }
    func close() async {}
    func stageImport(_ messages: [Message], of id: ImportID, in session: SessionID) async throws {
        throw unused
    }
    func commitImport(_ conversation: ImportedConversation, of id: ImportID, in session: SessionID)
        async throws -> Bool
    { throw unused }
    func discardImport(_ id: ImportID, in session: SessionID) async throws { throw unused }
    func isSamePlace(_ left: SessionID, _ right: SessionID) -> Bool { true }
    func rotateSession(_ id: SessionID, to successor: SessionID) async throws -> Session { throw unused }
    func runningAnswers(of session: SessionID) async throws -> [RunningAnswer] { throw unused }
    func texts(of session: SessionID, from place: SearchPlace?, bounds: ReadBounds) async throws
        -> SearchStretch
    { throw unused }
    func transcripts(
        of conversations: [ConversationID], in session: SessionID, after position: Int, bounds: ReadBounds
    ) async throws -> TranscriptStretch { throw unused }

    private var unused: ChatError { ChatError(.internal, "not for this test") }
}
