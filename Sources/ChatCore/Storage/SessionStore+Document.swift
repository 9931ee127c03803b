/// A store that keeps each session as one ``SessionDocument``: it only has to read one and to change one
/// atomically.
///
/// Everything else of ``SessionStore`` follows, so that such stores cannot differ in what they mean.
package protocol SessionDocumentStore: SessionStore {
    /// What imports have put aside here.
    var staged: StagedImports { get }

    /// Reads a session's document with what every call before this one stored.
    /// - Throws: ``ChatError/Code/unauthorized`` when the session does not exist.
    func read<Result: Sendable>(
        _ session: SessionID, _ body: @escaping @Sendable (SessionDocument) throws -> Result
    ) async throws -> Result

    /// Changes a session's document atomically and durably. When `body` throws or leaves the document equal,
    /// nothing is written.
    /// - Throws: ``ChatError/Code/unauthorized`` when the session does not exist, and what `body` throws.
    func change<Result: Sendable>(
        _ session: SessionID, _ body: @escaping @Sendable (inout SessionDocument) throws -> Result
    ) async throws -> Result
}

extension SessionDocumentStore {
    package func session(_ id: SessionID) async throws -> Session {
        try await read(id) { $0.session }
    }

    package func conversations(
        of session: SessionID, after cursor: ConversationListCursor?, limit: Int
    ) async throws -> ConversationList {
        try await read(session) { $0.list(after: cursor, limit: limit) }
    }

    package func createConversation(
        _ new: NewConversation, in session: SessionID, at time: Timestamp
    ) async throws -> CreatedConversation {
        try await change(session) { try $0.create(new, at: time) }
    }

    package func conversation(
        _ id: ConversationID, of session: SessionID, before position: Int?, limit: Int
    ) async throws -> ConversationPage {
        try await read(session) { try $0.conversation(id).page(before: position, limit: limit) }
    }

    package func updateConversation(
        _ id: ConversationID, of session: SessionID, with patch: ConversationPatch, at time: Timestamp
    ) async throws -> Conversation {
        try await change(session) {
            try $0.change(id) {
                try $0.update(with: patch, at: time)
                return $0.conversation
            }
        }
    }

    package func deleteConversation(_ id: ConversationID, of session: SessionID) async throws {
        try await change(session) { $0.delete(id) }
    }

    package func resetConversation(
        _ id: ConversationID, of session: SessionID, at time: Timestamp
    ) async throws -> Conversation {
        try await change(session) {
            try $0.change(id) {
                $0.reset(at: time)
                return $0.conversation
            }
        }
    }

    package func beginTurn(
        _ turn: NewTurn, in conversation: ConversationID, of session: SessionID, at time: Timestamp
    ) async throws -> Turn {
        try await change(session) { try $0.change(conversation) { try $0.begin(turn, at: time) } }
    }

    package func retryAnswer(
        _ retry: Retry, in conversation: ConversationID, of session: SessionID, at time: Timestamp
    ) async throws -> Turn {
        try await change(session) { try $0.change(conversation) { try $0.retry(retry, at: time) } }
    }

    package func continueAnswer(
        _ continuation: Continuation, in conversation: ConversationID, of session: SessionID,
        at time: Timestamp
    ) async throws -> Turn {
        try await change(session) {
            try $0.change(conversation) { try $0.continueAnswer(continuation, at: time) }
        }
    }

    package func append(_ part: AnswerPart, to answer: AnswerReference) async throws -> AppendReceipt {
        try await changeAnswer(answer) { try $0.append(part, to: answer.message) }
    }

    package func finish(
        _ answer: AnswerReference, with part: AnswerPart, end: AnswerEnd, at time: Timestamp
    ) async throws -> Message {
        try await changeAnswer(answer) { try $0.finish(answer.message, with: part, end: end, at: time) }
    }

    package func interrupt(
        _ answer: AnswerReference, ownedBy owner: AnswerOwner, at time: Timestamp
    ) async throws -> Bool {
        do {
            return try await changeAnswer(answer) { $0.interrupt(answer.message, ownedBy: owner, at: time) }
        } catch let error as ChatError where error.code == .fenced {
            return false
        }
    }

    package func requestStop(_ answer: MessageID?, in conversation: ConversationID, of session: SessionID)
        async throws -> MessageID?
    {
        try await change(session) { try $0.change(conversation) { $0.requestStop(answer) } }
    }

    package func history(
        endingWith prompt: MessageID, in conversation: ConversationID, of session: SessionID, bytesMax: Int
    ) async throws -> [Message] {
        try await read(session) {
            try $0.conversation(conversation).history(endingWith: prompt, bytesMax: bytesMax)
        }
    }

    package func cursors(
        of conversations: Set<ConversationReference>
    ) async throws -> [ConversationReference: Cursor] {
        var cursors: [ConversationReference: Cursor] = [:]
        for (session, references) in Dictionary(grouping: conversations, by: \.session) {
            do {
                let found = try await read(session) { document in
                    references.map { ($0, try? document.conversation($0.conversation).cursor) }
                }
                for (reference, cursor) in found { cursors[reference] = cursor }
            } catch let error as ChatError where error.code == .unauthorized {
                continue
            }
        }
        return cursors
    }

    package func sessionVersions(of sessions: Set<SessionID>) async throws -> [SessionID: Int] {
        var versions: [SessionID: Int] = [:]
        for session in sessions {
            do {
                versions[session] = try await read(session) { $0.version }
            } catch let error as ChatError where error.code == .unauthorized {
                continue
            }
        }
        return versions
    }

    package func changes(
        in conversation: ConversationID, of session: SessionID, since cursor: Cursor, limit: Int
    ) async throws -> ConversationChanges? {
        try await read(session) { try $0.conversation(conversation).changes(since: cursor, limit: limit) }
    }

    package func texts(of session: SessionID, from place: SearchPlace?, bounds: ReadBounds) async throws
        -> SearchStretch
    {
        try await read(session) { $0.texts(from: place, bounds: bounds) }
    }

    package func transcripts(
        of conversations: [ConversationID], in session: SessionID, after position: Int, bounds: ReadBounds
    ) async throws -> TranscriptStretch {
        try await read(session) {
            $0.transcripts(of: conversations, after: position, bounds: bounds)
        }
    }

    package func runningAnswers(of session: SessionID) async throws -> [RunningAnswer] {
        try await read(session) { $0.runningAnswers }
    }

    /// An answer whose session or conversation is gone is fenced, as one that another task took.
    private func changeAnswer<Result: Sendable>(
        _ answer: AnswerReference, _ body: @escaping @Sendable (inout ConversationDocument) throws -> Result
    ) async throws -> Result {
        do {
            return try await change(answer.session) { try $0.change(answer.conversation, body) }
        } catch let error as ChatError where error.code == .notFound || error.code == .unauthorized {
            throw ChatError.fenced
        }
    }
}
