package import ChatCore

extension SQLiteSessionStore {
    package func stageImport(_ messages: [Message], of id: ImportID, in session: SessionID) async throws {
        try await shard(session).write { try ImportTables($0).stage(messages, of: id, in: session) }
    }

    package func commitImport(
        _ conversation: ImportedConversation, of id: ImportID, in session: SessionID
    ) async throws -> Bool {
        try await shard(session).write {
            try ImportTables($0).commit(conversation, of: id, in: session)
        }
    }

    package func discardImport(_ id: ImportID, in session: SessionID) async throws {
        try await shard(session).write { try ImportTables($0).discard(id, in: session) }
    }
}

/// Conversations that come in, inside a transaction of their shard.
///
/// What is put aside is an ordinary conversation of an ordinary session, which no key opens: its id is the
/// first eight bytes of the importing one's, so that it is in the same shard, and zeros, which is no key's
/// hash. To commit is to change the owner and the name of one row, however long the conversation is.
struct ImportTables {
    static let stagedSQL = """
        SELECT c.number, c.next_position FROM session AS s
            JOIN conversation AS c ON c.session = s.number AND c.id = ?2 WHERE s.id = ?1
        """
    static let insertMessageSQL = """
        INSERT INTO message (number, conversation, id, role, state, version, created_ms, updated_ms,
            prompt_id, model, owner_task, owner_host, owner_epoch, stop_reason, error_code, error_message,
            input_tokens, output_tokens, reasoning_bytes, text_bytes, text)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """

    private let connection: Connection
    private let sessions: SessionTable
    private let conversations: ConversationTable

    init(_ connection: Connection) {
        self.connection = connection
        sessions = SessionTable(connection)
        conversations = ConversationTable(connection)
    }

    /// The session that owns what the imports of `session` have put aside.
    static func staging(of session: SessionID) -> SessionID {
        SessionID(hash: session.bytes.prefix(8) + [UInt8](repeating: 0, count: 24))
    }

    func stage(_ messages: [Message], of id: ImportID, in session: SessionID) throws {
        _ = try sessions.session(session)
        guard let first = messages.first?.position else { return }
        var staged = try self.staged(id, session)
        if staged == nil, first == 1 { staged = try begin(id, session) }
        guard let staged, first <= staged.nextPosition else { throw ChatError.importOvertaken }
        let fresh = messages.drop { $0.position < staged.nextPosition }
        for message in fresh { try insert(message, in: staged.number) }
        guard let last = fresh.last?.position else { return }
        try connection.run(
            "UPDATE conversation SET next_position = ?, message_count = ? WHERE number = ?",
            [.integer(last + 1), .integer(last), .integer(staged.number)])
    }

    func commit(_ imported: ImportedConversation, of id: ImportID, in session: SessionID) throws -> Bool {
        let owner = try sessions.session(session)
        let conversation = imported.conversation
        guard try !conversations.exists(conversation.id, in: owner.number) else {
            try discard(id, in: session)
            return false
        }
        guard owner.conversationCount < Limits.conversationsPerSessionMax else {
            throw ChatError.sessionFull
        }
        var staged = try self.staged(id, session)
        if staged == nil, conversation.messageCount == 0 { staged = try begin(id, session) }
        guard let staged, staged.nextPosition == conversation.messageCount + 1 else {
            throw ChatError.importOvertaken
        }
        try connection.run(
            "UPDATE conversation SET session = ?, id = ?, created_ms = ? WHERE number = ?",
            [
                .integer(owner.number), .text(conversation.id.rawValue),
                .integer(conversation.created.milliseconds), .integer(staged.number),
            ])
        try sessions.delete(Self.staging(of: session))
        try conversations.store(
            ConversationTable.Row(
                number: staged.number, session: owner.number, nextPosition: staged.nextPosition,
                running: nil, leaf: imported.branching?.leaf, value: conversation))
        if conversation.systemPrompt != nil {
            try conversations.store(conversation.systemPrompt, of: staged.number)
        }
        try BranchTable(connection).store(imported.branching, of: staged.number, after: 0)
        try conversations.count(1, in: owner.number)
        return true
    }

    func discard(_ id: ImportID, in session: SessionID) throws {
        _ = try sessions.session(session)
        if try staged(id, session) != nil { try sessions.delete(Self.staging(of: session)) }
    }

    // MARK: Rows

    private func staged(_ id: ImportID, _ session: SessionID) throws(SQLiteError)
        -> (number: Int64, nextPosition: Int)?
    {
        try connection.first(
            Self.stagedSQL, [.blob(Self.staging(of: session).bytes), .text(id.rawValue)]
        ) { row throws(SQLiteError) in (try row.int64(0), try row.int(1)) }
    }

    private func begin(_ id: ImportID, _ session: SessionID) throws -> (number: Int64, nextPosition: Int)? {
        let staging = Self.staging(of: session)
        // With all that another import had put aside.
        try sessions.delete(staging)
        let never = Timestamp(milliseconds: 0)
        _ = try sessions.create(Session(id: staging, created: never))
        let new = try NewConversation(id: ConversationID(uncheckedRawValue: id.rawValue))
        _ = try conversations.create(new, in: staging, at: never)
        return try staged(id, session)
    }

    private func insert(_ message: Message, in conversation: Int64) throws {
        let number = MessageTable.number(conversation, message.position)
        try connection.run(
            Self.insertMessageSQL,
            [
                .integer(number), .integer(conversation), .text(message.id.rawValue),
                .text(message.role.rawValue), .text(message.state.rawValue), .integer(message.version),
                .integer(message.created.milliseconds), .integer(message.updated.milliseconds),
                .text(message.prompt?.rawValue), .text(message.model), .text(message.owner?.task.rawValue),
                .text(message.owner?.host), .integer(message.owner?.epoch), .text(message.stopReason),
                .text(message.failure?.code), .text(message.failure?.message),
                .integer(message.usage?.inputTokens), .integer(message.usage?.outputTokens),
                .integer(message.reasoning.utf8.count), .integer(message.text.utf8.count),
                .text(message.text),
            ])
        if !message.reasoning.isEmpty {
            try connection.run(
                "INSERT INTO reasoning (message, text) VALUES (?, ?)",
                [.integer(number), .text(message.reasoning)])
        }
        if let prompt = message.prompt {
            try connection.run(
                "UPDATE message SET answer = ? WHERE conversation = ? AND id = ?",
                [.integer(number), .integer(conversation), .text(prompt.rawValue)])
        }
    }
}
