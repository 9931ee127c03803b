import ChatCore

/// Whole sessions in a shard, inside a transaction of it: for whoever carries them elsewhere.
struct SessionDocumentTable {
    let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// A session, and what tells whether it changed.
    struct Entry: Hashable {
        let session: Session
        /// Grows with every change but the growth of a running answer and the wish to stop it.
        let version: Int
        /// Its text may grow without the version.
        let isRunning: Bool
    }

    /// The sessions with ids after `id`, in ascending order.
    func entries(after id: SessionID?, limit: Int) throws(SQLiteError) -> [Entry] {
        try connection.rows(
            """
            SELECT id, created_ms, version,
                EXISTS (SELECT 1 FROM conversation WHERE session = s.number AND running IS NOT NULL)
            FROM session AS s WHERE id > ? ORDER BY id LIMIT ?
            """,
            [.blob(id?.bytes ?? []), .integer(limit)]
        ) { row throws(SQLiteError) in
            Entry(
                session: Session(
                    id: SessionID(hash: try row.blob(0)),
                    created: Timestamp(milliseconds: try row.int64(1))),
                version: try row.int(2), isRunning: try row.flag(3))
        }
    }

    /// A session with all it owns; nil when there is none.
    /// - Throws: `SQLiteError`.
    func document(of id: SessionID) throws -> SessionDocument? {
        let found = try connection.first(
            "SELECT number, created_ms, version FROM session WHERE id = ?", [.blob(id.bytes)]
        ) { row throws(SQLiteError) in
            (number: try row.int64(0), created: try row.int64(1), version: try row.int(2))
        }
        guard let found else { return nil }
        let ids = try connection.rows(
            "SELECT id FROM conversation WHERE session = ? ORDER BY number", [.integer(found.number)]
        ) { row throws(SQLiteError) in ConversationID(uncheckedRawValue: try row.text(0)) }
        return SessionDocument(
            Session(id: id, created: Timestamp(milliseconds: found.created)),
            conversations: try ids.map { try conversation($0, of: id) }, version: found.version)
    }

    private func conversation(_ id: ConversationID, of session: SessionID) throws -> ConversationDocument {
        let row = try ConversationTable(connection).find(id, of: session)
        let isStopRequested = try row.running.map { running in
            try connection.first(
                "SELECT stop_requested FROM message WHERE number = ?", [.integer(running)]
            ) { row throws(SQLiteError) in try row.flag(0) } ?? false
        }
        return ConversationDocument(
            row.value, messages: try MessageTable(connection).all(of: row.number),
            nextPosition: row.nextPosition,
            branching: try BranchTable(connection).branching(of: row),
            isStopRequested: isStopRequested ?? false)
    }

    /// Puts a session in the place of what is there of it.
    /// - Throws: `SQLiteError`.
    func store(_ document: SessionDocument) throws {
        try SessionTable(connection).delete(document.session.id)
        try connection.run(
            "INSERT INTO session (id, created_ms, conversation_count, version) VALUES (?, ?, ?, ?)",
            [
                .blob(document.session.id.bytes), .integer(document.session.created.milliseconds),
                .integer(document.conversations.count), .integer(document.version),
            ])
        let session = connection.lastInsertRowID
        for conversation in document.conversations { try store(conversation, in: session) }
    }

    private func store(_ document: ConversationDocument, in session: Int64) throws {
        let value = document.conversation
        // Messages carry the number of their conversation, so that comes first.
        try connection.run(
            """
            INSERT INTO conversation (session, id, is_pinned, version, reset_version, next_position,
                message_count, created_ms, updated_ms, model, title, leaf)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .integer(session), .text(value.id.rawValue), .flag(value.isPinned), .integer(value.version),
                .integer(value.resetVersion), .integer(document.positionOfNext),
                .integer(value.messageCount), .integer(value.created.milliseconds),
                .integer(value.updated.milliseconds), .text(value.model), .text(value.title),
                .integer(document.branching?.leaf),
            ])
        let number = connection.lastInsertRowID
        if let systemPrompt = value.systemPrompt {
            try connection.run(
                "INSERT INTO system_prompt VALUES (?, ?)", [.integer(number), .text(systemPrompt)])
        }
        try BranchTable(connection).store(document.branching, of: number, after: .min)
        var newest: [MessageID: Int64] = [:]
        for message in document.messages {
            if let prompt = message.prompt { newest[prompt] = MessageTable.number(number, message.position) }
        }
        for message in document.messages {
            try store(message, answeredBy: newest[message.id], in: number)
        }
        guard let running = document.messages.first(where: { $0.id == value.runningAnswer }) else { return }
        let place = MessageTable.number(number, running.position)
        try connection.run(
            "UPDATE conversation SET running = ? WHERE number = ?", [.integer(place), .integer(number)])
        try connection.run(
            "UPDATE message SET stop_requested = ? WHERE number = ?",
            [.flag(document.isAskedToStop), .integer(place)])
    }

    private func store(_ message: Message, answeredBy answer: Int64?, in conversation: Int64) throws {
        let number = MessageTable.number(conversation, message.position)
        // What a running answer said lies in its parts.
        let said = message.state == .running ? Utterance() : message.said
        try connection.run(
            """
            INSERT INTO message (number, conversation, id, role, state, version, created_ms, updated_ms,
                answer, prompt_id, model, owner_task, owner_host, owner_epoch, stop_reason, error_code,
                error_message, input_tokens, output_tokens, text_bytes, text, reasoning_bytes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .integer(number), .integer(conversation), .text(message.id.rawValue),
                .text(message.role.rawValue), .text(message.state.rawValue), .integer(message.version),
                .integer(message.created.milliseconds), .integer(message.updated.milliseconds),
                .integer(answer), .text(message.prompt?.rawValue), .text(message.model),
                .text(message.owner?.task.rawValue), .text(message.owner?.host),
                .integer(message.owner?.epoch), .text(message.stopReason), .text(message.failure?.code),
                .text(message.failure?.message), .integer(message.usage?.inputTokens),
                .integer(message.usage?.outputTokens), .integer(said.text.utf8.count), .text(said.text),
                .integer(said.reasoning.utf8.count),
            ])
        if message.state == .running {
            try AnswerTable(connection).add(message.said, at: 0, to: number)
        } else if !said.reasoning.isEmpty {
            try connection.run(
                "INSERT INTO reasoning (message, text) VALUES (?, ?)",
                [.integer(number), .text(said.reasoning)])
        }
    }
}
