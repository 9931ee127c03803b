import ChatCore
import ChatTesting
import Synchronization
import Testing

@Suite("What following costs the store", .timeLimit(.minutes(5)))
struct ProbeTests {
    @Test("however many readers there are, a task looks once an interval for all of them")
    func oneLook() async throws {
        let store = CountingStore()
        let task = ChatTask(
            id: .make(host: "t"), host: "t", store: store,
            catalogue: try ModelCatalogue([ScriptedModel([])]), liveness: ScriptedLiveness())
        let sessions = (0..<3).map { _ in SessionKey().sessionID }
        var made: [ConversationReference] = []
        for session in sessions {
            _ = try await store.createSession(Session(id: session, created: .now()))
            let new = try NewConversation(id: .random())
            _ = try await store.createConversation(new, in: session, at: .now())
            made.append(ConversationReference(session: session, conversation: new.id))
        }
        let places = made
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await task.run(drain: .zero) }
            for index in 0..<30 {
                group.addTask { try await Self.read(places[index % 3], of: task) }
                group.addTask { try await Self.follow(sessions[index % 3], of: task) }
            }
            while task.readerCount < 30 { try await Task.sleep(for: .milliseconds(10)) }
            var before = store.looks, after = before
            var elapsed = Duration.zero
            // On a busy machine the last readers begin late: what counts is that it becomes quiet.
            for _ in 0..<10 {
                let began = ContinuousClock.now
                before = store.looks
                try await Task.sleep(for: .seconds(2))
                after = store.looks
                elapsed = began.duration(to: .now)
                if after.reads == before.reads { break }
            }
            let cursors = Int(elapsed / .milliseconds(Limits.probeIntervalMilliseconds))
            let versions = Int(elapsed / .milliseconds(Limits.sessionProbeIntervalMilliseconds))
            #expect((1...cursors + 1).contains(after.cursors - before.cursors))
            #expect((1...versions + 1).contains(after.versions - before.versions))
            #expect(after.reads == before.reads, "nothing else is read while nothing changes")
            task.leave()
            group.cancelAll()
            while let _ = try? await group.next() {}
        }
    }

    private static func read(_ place: ConversationReference, of task: ChatTask) async throws {
        try await task.withReader(of: place, from: .start) { reader in
            while true { if case .leaving = try await reader.next() { return } }
        }
    }

    private static func follow(_ session: SessionID, of task: ChatTask) async throws {
        try await task.withReader(of: session, from: 0) { reader in
            while true { if case .leaving = try await reader.next() { return } }
        }
    }
}

/// A store in memory that counts how often it is asked.
private final class CountingStore: SessionDocumentStore {
    struct Looks {
        var cursors = 0
        var versions = 0
        var reads = 0
    }

    private let inner = MemorySessionStore()
    private let counted = Mutex(Looks())

    var looks: Looks { counted.withLock { $0 } }
    var sweepPartsCount: Int { 0 }
    var staged: StagedImports { inner.staged }
    func isSamePlace(_ left: SessionID, _ right: SessionID) -> Bool { true }
    func rotateSession(_ id: SessionID, to successor: SessionID) async throws -> Session {
        try await inner.rotateSession(id, to: successor)
    }

    func createSession(_ session: Session) async throws -> Session {
        try await inner.createSession(session)
    }
    func deleteSession(_ id: SessionID) async throws { try await inner.deleteSession(id) }
    func read<Result: Sendable>(
        _ session: SessionID, _ body: @escaping @Sendable (SessionDocument) throws -> Result
    ) async throws -> Result {
        counted.withLock { $0.reads += 1 }
        return try await inner.read(session, body)
    }
    func change<Result: Sendable>(
        _ session: SessionID, _ body: @escaping @Sendable (inout SessionDocument) throws -> Result
    ) async throws -> Result { try await inner.change(session, body) }
    func cursors(
        of conversations: Set<ConversationReference>
    ) async throws -> [ConversationReference: Cursor] {
        counted.withLock { $0.cursors += 1 }
        return try await inner.cursors(of: conversations)
    }
    func sessionVersions(of sessions: Set<SessionID>) async throws -> [SessionID: Int] {
        counted.withLock { $0.versions += 1 }
        return try await inner.sessionVersions(of: sessions)
    }
    func runningAnswers(inPart part: Int, limit: Int) async throws -> [RunningAnswer] {
        try await inner.runningAnswers(inPart: part, limit: limit)
    }
    func close() async { await inner.close() }
}
