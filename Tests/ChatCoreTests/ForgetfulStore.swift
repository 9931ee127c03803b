import ChatCore

/// Keeps what it is told, and on request says that it does not know, or hangs, as a volume does that is away
/// for a moment, or refuses, as one does that is full.
actor ForgetfulStore: SessionDocumentStore {
    private let memory = MemorySessionStore()
    private var forgets = false
    private var isHeld = false
    private var isFull = false

    /// The next change is made, and its caller told to come back.
    func forgetNextChange() { forgets = true }

    /// No change is made from now on, and its caller waits, until it is called with false.
    func hold(_ isHeld: Bool) { self.isHeld = isHeld }

    /// No change is made from now on, and its caller told so, until it is called with false.
    func fill(_ isFull: Bool) { self.isFull = isFull }

    func createSession(_ session: Session) async throws -> Session { try await memory.createSession(session) }
    func deleteSession(_ id: SessionID) async throws { try await memory.deleteSession(id) }

    func read<Result: Sendable>(
        _ session: SessionID, _ body: @Sendable (SessionDocument) throws -> Result
    ) async throws -> Result {
        try await memory.read(session, body)
    }

    func change<Result: Sendable>(
        _ session: SessionID, _ body: @Sendable (inout SessionDocument) throws -> Result
    ) async throws -> Result {
        while isHeld { try await Task.sleep(for: .milliseconds(10)) }
        if isFull { throw ChatError(.unavailable, "The volume is full.") }
        let result = try await memory.change(session, body)
        guard !forgets else {
            forgets = false
            throw ChatError(.unavailable, "The storage does not answer.")
        }
        return result
    }

    nonisolated var staged: StagedImports { memory.staged }
    nonisolated func isSamePlace(_ left: SessionID, _ right: SessionID) -> Bool { true }

    func rotateSession(_ id: SessionID, to successor: SessionID) async throws -> Session {
        try await memory.rotateSession(id, to: successor)
    }

    nonisolated var sweepPartsCount: Int { memory.sweepPartsCount }

    func runningAnswers(inPart part: Int, limit: Int) async throws -> [RunningAnswer] {
        try await memory.runningAnswers(inPart: part, limit: limit)
    }

    func close() async { await memory.close() }
}
