import ChatCore

/// The table `session`, inside a transaction of its shard.
struct SessionTable {
    let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// A session and the number that its conversations refer to.
    struct Row {
        let number: Int64
        let conversationCount: Int
        let value: Session
    }

    /// - Throws: ``ChatError/unknownSession``.
    func session(_ id: SessionID) throws -> Row {
        guard let row = try find(id) else { throw ChatError.unknownSession }
        return row
    }

    /// Nil when there is none.
    func find(_ id: SessionID) throws(SQLiteError) -> Row? {
        try connection.first(
            "SELECT number, conversation_count, created_ms FROM session WHERE id = ?", [.blob(id.bytes)]
        ) { row throws(SQLiteError) in
            Row(
                number: try row.int64(0), conversationCount: try row.int(1),
                value: Session(id: id, created: Timestamp(milliseconds: try row.int64(2))))
        }
    }

    func create(_ session: Session) throws -> Session {
        try connection.run(
            "INSERT INTO session (id, created_ms) VALUES (?, ?) ON CONFLICT (id) DO NOTHING",
            [.blob(session.id.bytes), .integer(session.created.milliseconds)])
        return try self.session(session.id).value
    }

    static let versionSQL = "SELECT version FROM session WHERE id = ?"

    /// Nil when there is no such session.
    func version(of id: SessionID) throws(SQLiteError) -> Int? {
        try connection.first(Self.versionSQL, [.blob(id.bytes)]) { row throws(SQLiteError) in
            try row.int(0)
        }
    }

    /// One of the session's conversations changed.
    func touch(_ session: Int64) throws(SQLiteError) {
        try connection.run(
            "UPDATE session SET version = version + 1 WHERE number = ?", [.integer(session)])
    }

    /// Conversations, messages and parts go with it, by their foreign keys.
    func delete(_ id: SessionID) throws {
        try connection.run("DELETE FROM session WHERE id = ?", [.blob(id.bytes)])
    }
}
