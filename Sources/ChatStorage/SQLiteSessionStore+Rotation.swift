package import ChatCore

extension SQLiteSessionStore {
    package func isSamePlace(_ left: SessionID, _ right: SessionID) -> Bool { shard(left) === shard(right) }

    /// One statement in one transaction of one shard.
    package func rotateSession(_ id: SessionID, to successor: SessionID) async throws -> Session {
        precondition(isSamePlace(id, successor), "a session becomes another one of its shard")
        return try await shard(id).write { try SessionTable($0).rotate(id, to: successor) }
    }

    package func runningAnswers(of session: SessionID) async throws -> [RunningAnswer] {
        try await shard(session).read { connection in
            _ = try SessionTable(connection).session(session)
            return try AnswerTable(connection).running(of: session)
        }
    }
}

extension SessionTable {
    static let runsSQL = "SELECT 1 FROM conversation WHERE session = ? AND running > 0 LIMIT 1"
    static let rotateSQL = "UPDATE session SET id = ?, version = version + 1 WHERE number = ?"

    func rotate(_ id: SessionID, to successor: SessionID) throws -> Session {
        guard let row = try find(id) else { return try session(successor).value }
        guard try find(successor) == nil else { throw ChatError.successorTaken }
        let runs: Bool? = try connection.first(Self.runsSQL, [.integer(row.number)]) {
            _ throws(SQLiteError) in true
        }
        guard runs == nil else { throw ChatError.answerRunningInSession }
        try delete(ImportTables.staging(of: id))
        try connection.run(Self.rotateSQL, [.blob(successor.bytes), .integer(row.number)])
        return Session(id: successor, created: row.value.created)
    }
}
