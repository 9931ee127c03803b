import ChatCore

/// Writing the tables `message` and `part`, inside a transaction of their shard: the life of a turn.
struct AnswerTable {
    let connection: Connection
    let conversations: ConversationTable
    let messages: MessageTable
    private let branches: BranchTable

    init(_ connection: Connection) {
        self.connection = connection
        conversations = ConversationTable(connection)
        messages = MessageTable(connection)
        branches = BranchTable(connection)
    }

    static let existsSQL = "SELECT 1 FROM message WHERE conversation = ? AND id = ?"
    static let ownedSQL = """
        SELECT m.number, m.state, m.owner_task, m.owner_epoch, m.stop_requested,
            m.text_bytes + m.reasoning_bytes
        FROM session AS s JOIN conversation AS c ON c.session = s.number AND c.id = ?2
            JOIN message AS m ON m.conversation = c.number AND m.id = ?3
        WHERE s.id = ?1
        """

    // MARK: Begin

    func begin(
        _ turn: NewTurn, in conversation: ConversationID, of session: SessionID, at time: Timestamp
    ) throws -> Turn {
        var row = try conversations.find(conversation, of: session)
        if let known = try messages.find(turn.promptID, in: row.number) {
            guard known.value.role == .user, known.value.text == turn.text,
                let answer = try known.answer.flatMap(messages.find(number:))
            else { throw ChatError.idTaken }
            return try self.turn(known.value, answer.value, isRepeated: true, row)
        }
        guard try !exists(turn.answerID, in: row.number) else { throw ChatError.idTaken }
        try checkRoom(for: 2, in: row)
        let parent = try turn.replaced.map { id in
            guard let replaced = try messages.find(id, in: row.number)?.value, replaced.role == .user else {
                throw ChatError.notFound("prompt")
            }
            return try branches.branching(of: row)?.parent(of: replaced.position) ?? replaced.position - 1
        }
        if row.value.title.isEmpty { row.value.title = turn.suggestedTitle }
        row.touch(at: time)
        let first = try takePositions(2, after: parent, in: &row)
        let prompt = Message(
            id: turn.promptID, role: .user, position: first, text: turn.text, state: .complete, created: time,
            updated: time, version: row.value.version)
        row.touch(at: time)
        let answer = Message(
            id: turn.answerID, role: .assistant, position: first + 1, text: "", state: .running,
            model: turn.model, prompt: turn.promptID, owner: turn.owner, created: time, updated: time,
            version: row.value.version)
        try insert(prompt, answer: MessageTable.number(row.number, answer.position), in: row.number)
        try add(answer, making: 2, to: &row)
        return try self.turn(prompt, answer, isRepeated: false, row)
    }

    func retry(
        _ retry: Retry, in conversation: ConversationID, of session: SessionID, at time: Timestamp
    ) throws -> Turn {
        var row = try conversations.find(conversation, of: session)
        guard let target = try messages.find(retry.message, in: row.number)?.value,
            let prompt = try messages.find(target.prompt ?? target.id, in: row.number)
        else { throw ChatError.notFound("message") }
        if let known = try messages.find(retry.answerID, in: row.number) {
            guard known.value.prompt == prompt.value.id else { throw ChatError.idTaken }
            return try turn(prompt.value, known.value, isRepeated: true, row)
        }
        try checkRoom(for: 1, in: row)
        row.touch(at: time)
        let answer = Message(
            id: retry.answerID, role: .assistant,
            position: try takePositions(1, after: prompt.value.position, in: &row), text: "", state: .running,
            model: retry.model, prompt: prompt.value.id, owner: retry.owner, created: time, updated: time,
            version: row.value.version)
        try connection.run(
            "UPDATE message SET answer = ? WHERE number = ?",
            [.integer(MessageTable.number(row.number, answer.position)), .integer(prompt.number)])
        try add(answer, making: 1, to: &row)
        return try turn(prompt.value, answer, isRepeated: false, row)
    }

    func turn(_ prompt: Message, _ answer: Message, isRepeated: Bool, _ row: ConversationTable.Row)
        throws(SQLiteError) -> Turn
    {
        let presented = try messages.presented([prompt, answer], in: row)
        return Turn(
            prompt: presented[0], answer: presented[1], isRepeated: isRepeated, conversation: row.value)
    }

    private func checkRoom(for count: Int, in row: ConversationTable.Row) throws {
        guard row.running == nil else { throw ChatError.answerRunning }
        guard row.value.messageCount + count <= Limits.messagesPerConversationMax,
            Int64(row.nextPosition + count) <= MessageTable.positionsMax
        else { throw ChatError.conversationFull }
    }

    private func takePositions(_ count: Int, after parent: Int?, in row: inout ConversationTable.Row) throws
        -> Int
    {
        let first = row.nextPosition
        let branching = try Branching.adding(
            count, at: first, after: parent, to: try branches.branching(of: row), version: row.value.version)
        try branches.store(branching, of: row.number, after: row.value.version - 1)
        row.leaf = branching?.leaf
        row.nextPosition += count
        return first
    }

    /// Stores a running answer, the last of `count` new messages.
    private func add(_ answer: Message, making count: Int, to row: inout ConversationTable.Row) throws {
        try insert(answer, answer: nil, in: row.number)
        row.running = MessageTable.number(row.number, answer.position)
        row.value.messageCount += count
        row.value.runningAnswer = answer.id
        try conversations.store(row)
    }

    private func exists(_ id: MessageID, in conversation: Int64) throws(SQLiteError) -> Bool {
        try connection.first(Self.existsSQL, [.integer(conversation), .text(id.rawValue)]) {
            _ throws(SQLiteError) in true
        } ?? false
    }

    private func insert(_ message: Message, answer: Int64?, in conversation: Int64) throws(SQLiteError) {
        try connection.run(
            """
            INSERT INTO message (number, conversation, id, role, state, version, created_ms, updated_ms,
                answer, prompt_id, model, owner_task, owner_host, owner_epoch, text_bytes, text)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .integer(MessageTable.number(conversation, message.position)), .integer(conversation),
                .text(message.id.rawValue), .text(message.role.rawValue), .text(message.state.rawValue),
                .integer(message.version), .integer(message.created.milliseconds),
                .integer(message.updated.milliseconds),
                .integer(answer), .text(message.prompt?.rawValue), .text(message.model),
                .text(message.owner?.task.rawValue), .text(message.owner?.host),
                .integer(message.owner?.epoch),
                .integer(message.text.utf8.count), .text(message.text),
            ])
    }

    // MARK: Grow

    func append(_ part: AnswerPart, to answer: AnswerReference) throws -> AppendReceipt {
        let owned = try owned(answer, by: part.owner)
        guard owned.isRunning else { throw ChatError.fenced }
        try extend(owned.number, with: part)
        return AppendReceipt(isStopRequested: owned.isStopRequested)
    }

    private struct Owned {
        let number: Int64
        let state: String
        let isStopRequested: Bool
        /// Of one that ended: reasoning and text.
        let saidBytes: Int
        var isRunning: Bool { state == Message.State.running.rawValue }
    }

    /// - Throws: ``ChatError/fenced`` when the answer is gone or is not `owner`'s.
    private func owned(_ answer: AnswerReference, by owner: AnswerOwner) throws -> Owned {
        let owned = try connection.first(
            Self.ownedSQL,
            [
                .blob(answer.session.bytes), .text(answer.conversation.rawValue),
                .text(answer.message.rawValue),
            ]
        ) { row throws(SQLiteError) -> Owned? in
            guard try row.textIfAny(2) == owner.task.rawValue, try row.intIfAny(3) == owner.epoch else {
                return nil
            }
            return Owned(
                number: try row.int64(0), state: try row.text(1), isStopRequested: try row.flag(4),
                saidBytes: try row.int(5))
        }
        guard let owned = owned ?? nil else { throw ChatError.fenced }
        return owned
    }

    /// Appends what of `part` is not stored yet; a part sent again, because its answer was lost, may be
    /// longer by now.
    private func extend(_ answer: Int64, with part: AnswerPart) throws {
        let length = try messages.length(ofRunning: answer)
        // The usual part begins where the last one ends, so nothing is read; but no reasoning follows text.
        let mayFollow =
            try part.said.reasoning.isEmpty || length == 0 || messages.isReasoning(running: answer)
        guard part.offset == length, mayFollow else {
            var said = try messages.said(byRunning: answer)
            let rest = try said.take(part.said, at: part.offset)
            return try add(rest, at: length, to: answer)
        }
        try add(part.said, at: length, to: answer)
    }

    /// Appends to the parts of a running answer.
    func add(_ said: Utterance, at offset: Int, to answer: Int64) throws(SQLiteError) {
        let reasoningBytes = said.reasoning.utf8.count
        try addPart(said.reasoning, at: offset, to: answer, isReasoning: true)
        try addPart(said.text, at: offset + reasoningBytes, to: answer, isReasoning: false)
    }

    private func addPart(_ text: String, at offset: Int, to answer: Int64, isReasoning: Bool)
        throws(SQLiteError)
    {
        guard !text.isEmpty else { return }
        try connection.run(
            "INSERT INTO part (message, offset, text_bytes, text, is_reasoning) VALUES (?, ?, ?, ?, ?)",
            [
                .integer(answer), .integer(offset), .integer(text.utf8.count), .text(text),
                .integer(isReasoning ? 1 : 0),
            ])
    }

    // MARK: End

    func finish(
        _ answer: AnswerReference, with part: AnswerPart, end: AnswerEnd, at time: Timestamp
    ) throws -> Message {
        let owned = try owned(answer, by: part.owner)
        if owned.isRunning {
            try extend(owned.number, with: part)
            try endRunning(owned.number, of: answer, end, at: time)
        } else {
            guard owned.state == end.state.rawValue, owned.saidBytes == part.offset + part.said.bytes
            else {
                throw ChatError.fenced
            }
        }
        guard let message = try messages.find(number: owned.number) else { throw ChatError.fenced }
        let row = try conversations.find(answer.conversation, of: answer.session)
        return try messages.presented([message.value], in: row)[0]
    }

    func interrupt(_ answer: AnswerReference, ownedBy owner: AnswerOwner, at time: Timestamp) throws -> Bool {
        do {
            let owned = try owned(answer, by: owner)
            guard owned.isRunning else { return false }
            try endRunning(owned.number, of: answer, AnswerEnd(state: .interrupted), at: time)
            return true
        } catch let error as ChatError where error.code == .fenced {
            return false
        }
    }

    /// Folds the parts into the message and takes it from the conversation.
    private func endRunning(_ number: Int64, of answer: AnswerReference, _ end: AnswerEnd, at time: Timestamp)
        throws
    {
        var row = try conversations.find(answer.conversation, of: answer.session)
        row.touch(at: time)
        row.running = nil
        row.value.runningAnswer = nil
        try conversations.store(row)
        let said = try messages.said(byRunning: number)
        try connection.run(
            """
            UPDATE message SET state = ?, version = ?, updated_ms = ?, stop_requested = 0, stop_reason = ?,
                error_code = ?, error_message = ?,
                input_tokens = coalesce(? + ifnull(input_tokens, 0), input_tokens),
                output_tokens = coalesce(? + ifnull(output_tokens, 0), output_tokens), text_bytes = ?,
                text = ?, reasoning_bytes = ? WHERE number = ?
            """,
            [
                .text(end.state.rawValue), .integer(row.value.version), .integer(time.milliseconds),
                .text(end.stopReason),
                .text(end.failure?.code), .text(end.failure?.message), .integer(end.usage?.inputTokens),
                .integer(end.usage?.outputTokens), .integer(said.text.utf8.count), .text(said.text),
                .integer(said.reasoning.utf8.count), .integer(number),
            ])
        if !said.reasoning.isEmpty {
            try connection.run(
                "INSERT INTO reasoning (message, text) VALUES (?, ?)",
                [.integer(number), .text(said.reasoning)])
        }
        try connection.run("DELETE FROM part WHERE message = ?", [.integer(number)])
    }

    // MARK: Sweep

    // A comparison instead of IS NOT NULL: it implies that, and lets the index be searched.
    static let runningSQL = """
        SELECT s.id, c.id, m.id, m.owner_task, m.owner_host, m.owner_epoch
        FROM conversation AS c JOIN session AS s ON s.number = c.session
            JOIN message AS m ON m.number = c.running
        WHERE c.running > 0 LIMIT ?
        """

    func running(limit: Int) throws -> [RunningAnswer] {
        try connection.rows(Self.runningSQL, [.integer(limit)]) { row throws(SQLiteError) in
            RunningAnswer(
                answer: AnswerReference(
                    session: SessionID(hash: try row.blob(0)),
                    conversation: ConversationID(uncheckedRawValue: try row.text(1)),
                    message: MessageID(uncheckedRawValue: try row.text(2))),
                owner: AnswerOwner(
                    task: TaskID(uncheckedRawValue: try row.text(3)), host: try row.text(4),
                    epoch: try row.int(5)))
        }
    }

    static let runningOfSQL = """
        SELECT c.id, m.id, m.owner_task, m.owner_host, m.owner_epoch
        FROM session AS s JOIN conversation AS c ON c.session = s.number AND c.running > 0
            JOIN message AS m ON m.number = c.running
        WHERE s.id = ?
        """

    func running(of session: SessionID) throws -> [RunningAnswer] {
        try connection.rows(Self.runningOfSQL, [.blob(session.bytes)]) { row throws(SQLiteError) in
            RunningAnswer(
                answer: AnswerReference(
                    session: session, conversation: ConversationID(uncheckedRawValue: try row.text(0)),
                    message: MessageID(uncheckedRawValue: try row.text(1))),
                owner: AnswerOwner(
                    task: TaskID(uncheckedRawValue: try row.text(2)), host: try row.text(3),
                    epoch: try row.int(4)))
        }
    }

    // MARK: Stop

    func requestStop(_ answer: MessageID?, in conversation: ConversationID, of session: SessionID) throws
        -> MessageID?
    {
        let row = try conversations.find(conversation, of: session)
        let running = row.value.runningAnswer
        guard let number = row.running, answer == nil || answer == running else { return nil }
        try connection.run("UPDATE message SET stop_requested = 1 WHERE number = ?", [.integer(number)])
        return running
    }
}
