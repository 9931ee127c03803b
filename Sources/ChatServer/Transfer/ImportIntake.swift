import ChatCore

/// Brings conversations that are read message by message into a session: checks them, puts them aside in
/// batches, and makes each a conversation when its last message has come.
struct ImportIntake {
    /// What became of the conversations of a file.
    struct Outcome: Hashable, Sendable {
        /// Made.
        var imported = 0
        /// Passed over, because there was one with their id.
        var skipped = 0
    }

    private let session: SessionID
    private let task: ChatTask
    private(set) var outcome = Outcome()

    private var current = ConversationImport()
    private var staged = ImportID.random()
    private var seen: Set<ConversationID> = []
    private var isKnown = false
    private var batch: [Message] = []
    private var meter = ReadMeter(.batch)

    init(into session: SessionID, of task: ChatTask) {
        self.session = session
        self.task = task
    }

    /// A conversation begins.
    mutating func begin() {
        current = ConversationImport()
        staged = .random()
        isKnown = false
        batch = []
        meter = ReadMeter(.batch)
    }

    /// Its id is known before its messages: one that exists need not be put aside.
    mutating func name(_ id: ConversationID) async throws {
        let place = ConversationReference(session: session, conversation: id)
        isKnown = try await !task.store.cursors(of: [place]).isEmpty
    }

    /// Its next message.
    mutating func add(_ message: ImportedMessage) async throws {
        let stored = try current.add(message)
        guard !isKnown else { return }
        batch.append(stored)
        meter.count(stored.said.bytes)
        if meter.isSpent { try await flush() }
    }

    /// All of its messages came.
    mutating func end(_ conversation: Conversation, shown: MessageID?) async throws {
        let imported = try current.conversation(conversation, shown: shown)
        guard seen.insert(conversation.id).inserted else {
            throw ImportFault("id", "is another conversation's")
        }
        guard !isKnown else { return outcome.skipped += 1 }
        try await flush()
        if try await task.commitImport(imported, of: staged, in: session) {
            outcome.imported += 1
        } else {
            outcome.skipped += 1
        }
    }

    private mutating func flush() async throws {
        if !batch.isEmpty { try await task.store.stageImport(batch, of: staged, in: session) }
        batch = []
        meter = ReadMeter(.batch)
    }

    /// Something was wrong: what was put aside is of no use any more. When that fails too, the next import
    /// of the session does it.
    func giveUp() async { try? await task.store.discardImport(staged, in: session) }

    /// An error that also says what was done before it.
    func explained(_ error: any Error) -> any Error {
        guard let error = error as? ChatError, outcome.imported > 0 else { return error }
        let before =
            outcome.imported == 1
            ? "One conversation before that was imported."
            : "\(outcome.imported) conversations before that were imported."
        return ChatError(
            error.code, "\(error.message) \(before)",
            retryAfterMilliseconds: error.retryAfterMilliseconds, cause: error.cause)
    }
}
