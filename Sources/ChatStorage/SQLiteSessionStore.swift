package import ChatCore
import Logging

/// Keeps sessions in SQLite databases on a volume: a session lives in the shard its id hashes to.
///
/// What each operation means is said by ``SessionStore``; how it is done in SQL, by `ConversationTable` and
/// `AnswerTable`; when it is done, by `Shard`: this type only brings the two together.
package final class SQLiteSessionStore: SessionStore {
    let shards: [Shard]
    let metrics: StoreMetrics

    /// Opens nothing yet: each shard is opened, and its schema checked, by the first operation on it.
    init(
        folder: String, shardCount: Int, engine: any StorageEngine, migrations: [Migration] = .embedded,
        bounds: Shard.Bounds = Shard.Bounds(), isAlone: @escaping @Sendable () -> Bool = { false },
        metrics: StoreMetrics = StoreMetrics(), logger: Logger
    ) {
        self.metrics = metrics
        let migrator = Migrator(migrations: migrations, host: "")
        shards = (0..<shardCount).map { number in
            let file = ShardFile(number, of: shardCount, volume: folder)
            return Shard(
                label: file.name, path: file.path, engine: engine, bounds: bounds, logger: logger,
                metrics: metrics, isAlone: isAlone
            ) { connection in
                let status = try connection.transaction(.deferred) { try migrator.status(of: connection) }
                if let refusal = status.refusal(shard: file.name, isReading: true) { throw refusal }
                return status.refusal(shard: file.name).map(Shard.Access.reading) ?? .writing
            }
        }
    }

    /// Where a session lives.
    func shard(_ session: SessionID) -> Shard {
        shards[ShardFile.number(of: session, count: shards.count)]
    }

    /// What the shards have done, in their order; for metrics.
    package var statistics: [ShardStatistics] { shards.map(\.statistics) }

    /// The same with the shards' names.
    var named: [(name: String, statistics: ShardStatistics)] { shards.map { ($0.label, $0.statistics) } }

    // MARK: Sessions

    package func createSession(_ session: Session) async throws -> Session {
        try await shard(session.id).write { try SessionTable($0).create(session) }
    }

    package func session(_ id: SessionID) async throws -> Session {
        try await shard(id).read { try SessionTable($0).session(id).value }
    }

    package func deleteSession(_ id: SessionID) async throws {
        try await shard(id).write { connection in
            try SessionTable(connection).delete(id)
            try SessionTable(connection).delete(ImportTables.staging(of: id))
        }
    }

    // MARK: Conversations

    package func conversations(
        of session: SessionID, after cursor: ConversationListCursor?, limit: Int
    ) async throws -> ConversationList {
        try await shard(session).read {
            try ConversationTable($0).list(of: session, after: cursor, limit: limit)
        }
    }

    package func createConversation(
        _ new: NewConversation, in session: SessionID, at time: Timestamp
    ) async throws -> CreatedConversation {
        try await shard(session).write { try ConversationTable($0).create(new, in: session, at: time) }
    }

    package func conversation(
        _ id: ConversationID, of session: SessionID, before position: Int?, limit: Int
    ) async throws -> ConversationPage {
        try await shard(session).read { connection in
            let row = try ConversationTable(connection).find(id, of: session)
            return try MessageTable(connection).page(of: row, before: position, limit: limit)
        }
    }

    package func updateConversation(
        _ id: ConversationID, of session: SessionID, with patch: ConversationPatch, at time: Timestamp
    ) async throws -> Conversation {
        try await shard(session).write {
            try ConversationTable($0).update(id, of: session, with: patch, at: time)
        }
    }

    package func deleteConversation(_ id: ConversationID, of session: SessionID) async throws {
        try await shard(session).write { try ConversationTable($0).delete(id, of: session) }
    }

    package func resetConversation(
        _ id: ConversationID, of session: SessionID, at time: Timestamp
    ) async throws -> Conversation {
        try await shard(session).write { try ConversationTable($0).reset(id, of: session, at: time) }
    }

    // MARK: Turns

    package func beginTurn(
        _ turn: NewTurn, in conversation: ConversationID, of session: SessionID, at time: Timestamp
    ) async throws -> Turn {
        try await shard(session).write {
            try AnswerTable($0).begin(turn, in: conversation, of: session, at: time)
        }
    }

    package func retryAnswer(
        _ retry: Retry, in conversation: ConversationID, of session: SessionID, at time: Timestamp
    ) async throws -> Turn {
        try await shard(session).write {
            try AnswerTable($0).retry(retry, in: conversation, of: session, at: time)
        }
    }

    package func continueAnswer(
        _ continuation: Continuation, in conversation: ConversationID, of session: SessionID,
        at time: Timestamp
    ) async throws -> Turn {
        try await shard(session).write {
            try AnswerTable($0).continueAnswer(continuation, in: conversation, of: session, at: time)
        }
    }

    package func append(_ part: AnswerPart, to answer: AnswerReference) async throws -> AppendReceipt {
        try await shard(answer.session).write { try AnswerTable($0).append(part, to: answer) }
    }

    package func finish(
        _ answer: AnswerReference, with part: AnswerPart, end: AnswerEnd, at time: Timestamp
    ) async throws -> Message {
        try await shard(answer.session).write {
            try AnswerTable($0).finish(answer, with: part, end: end, at: time)
        }
    }

    package func interrupt(
        _ answer: AnswerReference, ownedBy owner: AnswerOwner, at time: Timestamp
    ) async throws -> Bool {
        try await shard(answer.session).write {
            try AnswerTable($0).interrupt(answer, ownedBy: owner, at: time)
        }
    }

    package func requestStop(_ answer: MessageID?, in conversation: ConversationID, of session: SessionID)
        async throws -> MessageID?
    {
        try await shard(session).write {
            try AnswerTable($0).requestStop(answer, in: conversation, of: session)
        }
    }

    package func history(
        endingWith prompt: MessageID, in conversation: ConversationID, of session: SessionID, bytesMax: Int
    ) async throws -> [Message] {
        try await shard(session).read { connection in
            let row = try ConversationTable(connection).find(conversation, of: session)
            return try MessageTable(connection).history(endingWith: prompt, in: row, bytesMax: bytesMax)
        }
    }

    // MARK: Following

    package func cursors(
        of conversations: Set<ConversationReference>
    ) async throws -> [ConversationReference: Cursor] {
        try await look(for: conversations, by: \.session) { connection, reference in
            try ConversationTable(connection).cursor(of: reference)
        }
    }

    package func sessionVersions(of sessions: Set<SessionID>) async throws -> [SessionID: Int] {
        try await look(for: sessions, by: \.self) { connection, session in
            try SessionTable(connection).version(of: session)
        }
    }

    /// One read on each shard concerned, all at the same time.
    private func look<Key: Hashable & Sendable, Value: Sendable>(
        for keys: Set<Key>, by session: (Key) -> SessionID,
        _ body: @escaping @Sendable (Connection, Key) throws -> Value?
    ) async throws -> [Key: Value] {
        let groups = Dictionary(grouping: keys) {
            ShardFile.number(of: session($0), count: shards.count)
        }
        return try await withThrowingTaskGroup { group in
            for (number, keys) in groups {
                let shard = shards[number]
                group.addTask {
                    try await shard.read { connection in
                        try keys.map { ($0, try body(connection, $0)) }
                    }
                }
            }
            var values: [Key: Value] = [:]
            for try await found in group {
                for (key, value) in found { values[key] = value }
            }
            return values
        }
    }

    package func changes(
        in conversation: ConversationID, of session: SessionID, since cursor: Cursor, limit: Int
    ) async throws -> ConversationChanges? {
        try await shard(session).read { connection in
            let row = try ConversationTable(connection).find(conversation, of: session)
            return try MessageTable(connection).changes(in: row, since: cursor, limit: limit)
        }
    }

    // MARK: Sweeping

    /// A shard is a part.
    package var sweepPartsCount: Int { shards.count }

    package func runningAnswers(inPart part: Int, limit: Int) async throws -> [RunningAnswer] {
        try await shards[part].read { try AnswerTable($0).running(limit: limit) }
    }

    // MARK: End

    package func close() async {
        await withTaskGroup { group in
            for shard in shards { group.addTask { await shard.close() } }
        }
    }
}
