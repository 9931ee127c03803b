import ChatCore

/// The tables `conversation` and `system_prompt`, inside a transaction of their shard.
struct ConversationTable {
    private let connection: Connection
    private let branches: BranchTable

    init(_ connection: Connection) {
        self.connection = connection
        branches = BranchTable(connection)
    }

    /// A conversation with what only the store knows of it.
    struct Row {
        let number: Int64
        let session: Int64
        var nextPosition: Int
        /// The number of the running answer.
        var running: Int64?
        /// The position of the last message that is shown; nil when that is simply the last one.
        var leaf: Int?
        var value: Conversation
    }

    static let columns = """
        c.number, c.session, c.next_position, c.running, c.id, c.title, c.model, p.text, c.is_pinned, \
        c.version, c.reset_version, c.message_count, r.id, c.created_ms, c.updated_ms, \
        c.leaf
        """
    static let joins = """
        LEFT JOIN system_prompt AS p ON p.conversation = c.number \
        LEFT JOIN message AS r ON r.number = c.running
        """
    static let findSQL = """
        SELECT \(columns) FROM session AS s JOIN conversation AS c ON c.session = s.number AND c.id = ?2
            \(joins) WHERE s.id = ?1
        """
    static let listSQL = """
        SELECT \(columns) FROM conversation AS c \(joins) WHERE c.session = ?1
        ORDER BY c.is_pinned DESC, c.updated_ms DESC, c.id DESC LIMIT ?2
        """
    static let listAfterSQL = """
        SELECT \(columns) FROM conversation AS c \(joins)
        WHERE c.session = ?1 AND (c.is_pinned, c.updated_ms, c.id) < (?3, ?4, ?5)
        ORDER BY c.is_pinned DESC, c.updated_ms DESC, c.id DESC LIMIT ?2
        """
    static let cursorSQL = """
        SELECT c.version,
            (SELECT offset + text_bytes FROM part WHERE message = c.running ORDER BY offset DESC LIMIT 1)
        FROM session AS s JOIN conversation AS c ON c.session = s.number AND c.id = ?2 WHERE s.id = ?1
        """

    static func row(_ row: Statement) throws(SQLiteError) -> Row {
        Row(
            number: try row.int64(0), session: try row.int64(1), nextPosition: try row.int(2),
            running: try row.int64IfAny(3), leaf: try row.intIfAny(15),
            value: Conversation(
                id: ConversationID(uncheckedRawValue: try row.text(4)), title: try row.text(5),
                model: try row.textIfAny(6), systemPrompt: try row.textIfAny(7), isPinned: try row.flag(8),
                version: try row.int(9), resetVersion: try row.int(10), messageCount: try row.int(11),
                runningAnswer: try row.textIfAny(12).map(MessageID.init(uncheckedRawValue:)),
                created: Timestamp(milliseconds: try row.int64(13)),
                updated: Timestamp(milliseconds: try row.int64(14))))
    }

    // MARK: Reading

    /// - Throws: ``ChatError/unknownSession`` or ``ChatError/Code/notFound``.
    func find(_ id: ConversationID, of session: SessionID) throws -> Row {
        if let row = try connection.first(Self.findSQL, [.blob(session.bytes), .text(id.rawValue)], Self.row)
        {
            return row
        }
        throw try absence(in: session)
    }

    /// Nil when there is no such session or conversation.
    func cursor(of reference: ConversationReference) throws(SQLiteError) -> Cursor? {
        try connection.first(
            Self.cursorSQL, [.blob(reference.session.bytes), .text(reference.conversation.rawValue)]
        ) { row throws(SQLiteError) in
            Cursor(version: try row.int(0), offset: try row.intIfAny(1) ?? 0)
        }
    }

    static let existsSQL = "SELECT 1 FROM conversation WHERE session = ? AND id = ?"

    func exists(_ id: ConversationID, in session: Int64) throws(SQLiteError) -> Bool {
        try connection.first(Self.existsSQL, [.integer(session), .text(id.rawValue)]) {
            _ throws(SQLiteError) in true
        } ?? false
    }

    private func absence(in session: SessionID) throws -> ChatError {
        _ = try SessionTable(connection).session(session)
        return .notFound("conversation")
    }

    func list(of session: SessionID, after cursor: ConversationListCursor?, limit: Int) throws
        -> ConversationList
    {
        let owner = try SessionTable(connection).session(session)
        let limit = min(max(limit, 1), Limits.conversationsPageMax)
        var values: [SQLiteValue] = [.integer(owner.number), .integer(limit + 1)]
        if let cursor {
            values += [
                .flag(cursor.isPinned), .integer(cursor.updated.milliseconds), .text(cursor.id.rawValue),
            ]
        }
        // One more than asked for tells whether there is a next page.
        let found = try connection.rows(cursor == nil ? Self.listSQL : Self.listAfterSQL, values, Self.row)
            .map(\.value)
        let page = Array(found.prefix(limit))
        return ConversationList(
            conversations: page,
            next: found.count > limit ? page.last.map(ConversationListCursor.init(of:)) : nil)
    }

    // MARK: Changing

    func create(_ new: NewConversation, in session: SessionID, at time: Timestamp) throws
        -> CreatedConversation
    {
        let owner = try SessionTable(connection).session(session)
        if let known = try connection.first(
            Self.findSQL, [.blob(session.bytes), .text(new.id.rawValue)], Self.row)
        {
            return CreatedConversation(conversation: known.value, isNew: false)
        }
        guard owner.conversationCount < Limits.conversationsPerSessionMax else {
            throw ChatError.sessionFull
        }
        let conversation = Conversation(
            id: new.id, title: new.title, model: new.model, systemPrompt: new.systemPrompt, created: time,
            updated: time)
        try connection.run(
            """
            INSERT INTO conversation (session, id, version, created_ms, updated_ms, model, title)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .integer(owner.number), .text(new.id.rawValue), .integer(conversation.version),
                .integer(time.milliseconds), .integer(time.milliseconds), .text(new.model), .text(new.title),
            ])
        if let systemPrompt = new.systemPrompt { try store(systemPrompt, of: connection.lastInsertRowID) }
        try count(1, in: owner.number)
        return CreatedConversation(conversation: conversation, isNew: true)
    }

    func update(
        _ id: ConversationID, of session: SessionID, with patch: ConversationPatch, at time: Timestamp
    ) throws -> Conversation {
        var row = try find(id, of: session)
        let before = row.value
        row.value = patch.applied(to: before)
        let isAnotherShown = try show(patch.shown, in: &row)
        guard isAnotherShown || row.value != before else { return before }
        if row.value.systemPrompt != before.systemPrompt { try store(row.value.systemPrompt, of: row.number) }
        row.touch(at: time)
        try store(row)
        return row.value
    }

    private func show(_ id: MessageID?, in row: inout Row) throws -> Bool {
        guard let id else { return false }
        guard let message = try MessageTable(connection).find(id, in: row.number) else {
            throw ChatError.notFound("message")
        }
        guard var branching = try branches.branching(of: row),
            branching.show(message.value.position, end: row.nextPosition - 1, version: row.value.version + 1)
        else { return false }
        guard row.running == nil else { throw ChatError.answerRunning }
        try branches.store(branching, of: row.number, after: row.value.version)
        row.leaf = branching.leaf
        return true
    }

    func delete(_ id: ConversationID, of session: SessionID) throws {
        let owner = try SessionTable(connection).session(session)
        let deleted = try connection.run(
            "DELETE FROM conversation WHERE session = ? AND id = ?",
            [.integer(owner.number), .text(id.rawValue)])
        if deleted > 0 { try count(-1, in: owner.number) }
    }

    func reset(_ id: ConversationID, of session: SessionID, at time: Timestamp) throws -> Conversation {
        var row = try find(id, of: session)
        guard row.value.messageCount > 0 else { return row.value }
        try connection.run("DELETE FROM message WHERE conversation = ?", [.integer(row.number)])
        if row.leaf != nil { try branches.remove(of: row.number) }
        row.leaf = nil
        row.value.messageCount = 0
        row.value.runningAnswer = nil
        row.running = nil
        row.touch(at: time)
        row.value.resetVersion = row.value.version
        try store(row)
        return row.value
    }

    /// Writes what may change; the system prompt has a table of its own.
    func store(_ row: Row) throws(SQLiteError) {
        try connection.run(
            """
            UPDATE conversation SET is_pinned = ?, version = ?, reset_version = ?, next_position = ?,
                message_count = ?, running = ?, leaf = ?, updated_ms = ?, model = ?, title = ?
            WHERE number = ?
            """,
            [
                .flag(row.value.isPinned), .integer(row.value.version), .integer(row.value.resetVersion),
                .integer(row.nextPosition), .integer(row.value.messageCount), .integer(row.running),
                .integer(row.leaf), .integer(row.value.updated.milliseconds), .text(row.value.model),
                .text(row.value.title),
                .integer(row.number),
            ])
        try SessionTable(connection).touch(row.session)
    }

    func store(_ systemPrompt: String?, of conversation: Int64) throws(SQLiteError) {
        guard let systemPrompt else {
            try connection.run("DELETE FROM system_prompt WHERE conversation = ?", [.integer(conversation)])
            return
        }
        try connection.run(
            """
            INSERT INTO system_prompt VALUES (?, ?)
            ON CONFLICT (conversation) DO UPDATE SET text = excluded.text
            """,
            [.integer(conversation), .text(systemPrompt)])
    }

    func count(_ change: Int, in session: Int64) throws(SQLiteError) {
        try connection.run(
            """
            UPDATE session SET conversation_count = conversation_count + ?, version = version + 1
            WHERE number = ?
            """,
            [.integer(change), .integer(session)])
    }
}

extension ConversationTable.Row {
    mutating func touch(at time: Timestamp) {
        value.version += 1
        value.updated = time
    }
}
