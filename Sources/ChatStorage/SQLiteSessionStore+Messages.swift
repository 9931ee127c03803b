import ChatCore

/// Reading the tables `message` and `part`, inside a transaction of their shard.
struct MessageTable {
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// A message, and the numbers that only the store knows.
    struct Row {
        let number: Int64
        /// Of a prompt: the newest answer to it.
        let answer: Int64?
        var value: Message
    }

    /// A message's number holds its conversation's number and its position, so that a conversation's messages
    /// lie side by side in the file. Limits: 16 million positions, 2^39 conversations a shard.
    static let positionsMax: Int64 = 1 << 24

    static func number(_ conversation: Int64, _ position: Int) -> Int64 {
        conversation * positionsMax + Int64(position)
    }

    static let columns = """
        number, answer, id, role, text, state, model, prompt_id, owner_task, owner_host, owner_epoch, \
        stop_reason, error_code, error_message, input_tokens, output_tokens, created_ms, updated_ms, version
        """
    static let findSQL = "SELECT \(columns) FROM message WHERE conversation = ? AND id = ?"
    static let numberSQL = "SELECT \(columns) FROM message WHERE number = ?"
    static let pageSQL =
        "SELECT \(columns) FROM message WHERE number > ? AND number < ? ORDER BY number DESC LIMIT ?"
    static let rangeSQL = "SELECT \(columns) FROM message WHERE number BETWEEN ? AND ? ORDER BY number"
    static let changesSQL = """
        SELECT \(columns) FROM message WHERE conversation = ? AND version > ? ORDER BY version LIMIT ?
        """
    static let lengthsSQL = """
        SELECT number, CASE state WHEN 'running'
            THEN (SELECT offset + part.text_bytes FROM part WHERE message = number
                ORDER BY offset DESC LIMIT 1)
            ELSE text_bytes END
        FROM message WHERE number > ? AND number <= ? ORDER BY number DESC
        """
    static let partsSQL = "SELECT text FROM part WHERE message = ? ORDER BY offset"
    static let partsFromSQL = """
        SELECT offset, text FROM part WHERE message = ?1
            AND offset >= (SELECT max(offset) FROM part WHERE message = ?1 AND offset <= ?2) ORDER BY offset
        """
    static let lengthSQL =
        "SELECT offset + text_bytes FROM part WHERE message = ? ORDER BY offset DESC LIMIT 1"

    private static func row(_ row: Statement) throws(SQLiteError) -> Row {
        let number = try row.int64(0)
        guard let role = Message.Role(rawValue: try row.text(3)),
            let state = Message.State(rawValue: try row.text(5))
        else {
            throw SQLiteError(code: .corrupt, message: "message with an unknown role or state", sql: row.sql)
        }
        var owner: AnswerOwner?
        if let task = try row.textIfAny(8) {
            owner = AnswerOwner(
                task: TaskID(uncheckedRawValue: task), host: try row.text(9), epoch: try row.int(10))
        }
        var failure: Message.Failure?
        if let code = try row.textIfAny(12) {
            failure = Message.Failure(code: code, message: try row.text(13))
        }
        var usage: Message.Usage?
        if let input = try row.intIfAny(14) {
            usage = Message.Usage(inputTokens: input, outputTokens: try row.int(15))
        }
        return Row(
            number: number, answer: try row.int64IfAny(1),
            value: Message(
                id: MessageID(uncheckedRawValue: try row.text(2)), role: role,
                position: Int(number % positionsMax), text: try row.text(4), state: state,
                model: try row.textIfAny(6),
                prompt: try row.textIfAny(7).map(MessageID.init(uncheckedRawValue:)), owner: owner,
                stopReason: try row.textIfAny(11), failure: failure, usage: usage,
                created: Timestamp(milliseconds: try row.int64(16)),
                updated: Timestamp(milliseconds: try row.int64(17)),
                version: try row.int(18)))
    }

    /// Rows with the text of a running answer put together from its parts.
    private func rows(_ sql: String, _ values: [SQLiteValue]) throws(SQLiteError) -> [Row] {
        var rows = try connection.rows(sql, values, Self.row)
        for index in rows.indices where rows[index].value.state == .running {
            rows[index].value.text = try text(ofRunning: rows[index].number)
        }
        return rows
    }

    func find(_ id: MessageID, in conversation: Int64) throws(SQLiteError) -> Row? {
        try rows(Self.findSQL, [.integer(conversation), .text(id.rawValue)]).first
    }

    func find(number: Int64) throws(SQLiteError) -> Row? {
        try rows(Self.numberSQL, [.integer(number)]).first
    }

    // MARK: Parts

    func text(ofRunning number: Int64) throws(SQLiteError) -> String {
        try connection.rows(Self.partsSQL, [.integer(number)]) { row throws(SQLiteError) in try row.text(0) }
            .joined()
    }

    /// Bytes of UTF-8 appended so far.
    func length(ofRunning number: Int64) throws(SQLiteError) -> Int {
        try connection.first(Self.lengthSQL, [.integer(number)]) { row throws(SQLiteError) in try row.int(0) }
            ?? 0
    }

    /// What was appended to a running answer after `offset`; nil when nothing was, or when the offset is
    /// inside a character, which only a made-up cursor names.
    private func growth(of answer: MessageID, _ number: Int64, from offset: Int) throws(SQLiteError)
        -> AnswerGrowth?
    {
        guard offset >= 0 else { return nil }
        let parts = try connection.rows(Self.partsFromSQL, [.integer(number), .integer(offset)]) {
            row throws(SQLiteError) in (offset: try row.int(0), text: try row.text(1))
        }
        guard let first = parts.first else { return nil }
        let bytes = parts.flatMap { Array($0.text.utf8) }.dropFirst(offset - first.offset)
        guard !bytes.isEmpty, let text = String(validating: bytes, as: UTF8.self) else { return nil }
        return AnswerGrowth(message: answer, offset: offset, text: text)
    }

    // MARK: Pages

    func page(of row: ConversationTable.Row, before position: Int?, limit: Int) throws -> ConversationPage {
        let limit = min(max(limit, 1), Limits.messagesPageMax)
        let before = min(max(Int64(position ?? .max), 0), Self.positionsMax - 1)
        let low = Self.number(row.number, 0)
        // One more than asked for tells whether there is an earlier page.
        let found = try rows(Self.pageSQL, [.integer(low), .integer(low + before), .integer(limit + 1)])
        let page = found.prefix(limit).reversed().map(\.value)
        return ConversationPage(
            conversation: row.value, messages: page,
            earlier: found.count > limit ? page.first?.position : nil,
            cursor: Cursor(version: row.value.version, offset: try row.running.map(length(ofRunning:)) ?? 0))
    }

    func history(
        endingWith prompt: MessageID, in row: ConversationTable.Row, bytesMax: Int
    ) throws -> [Message] {
        guard let last = try find(prompt, in: row.number) else { throw ChatError.notFound("message") }
        // First only the lengths, which come before the texts in a row, then the texts that fit.
        var first = last.number
        var bytes = 0
        try connection.withStatement(Self.lengthsSQL) { statement throws(SQLiteError) in
            try statement.bind([.integer(Self.number(row.number, 0)), .integer(last.number)])
            while try statement.step() {
                bytes += try statement.intIfAny(1) ?? 0
                let number = try statement.int64(0)
                guard number == last.number || bytes <= bytesMax else { return }
                first = number
            }
        }
        return try rows(Self.rangeSQL, [.integer(first), .integer(last.number)]).map(\.value)
    }

    // MARK: Changes

    func changes(in row: ConversationTable.Row, since seen: Cursor, limit: Int) throws -> ConversationChanges?
    {
        let conversation = row.value
        let isReset =
            seen.version > conversation.version
            || (seen.version > 0 && seen.version < conversation.resetVersion)
        let seen = isReset ? .start : seen
        let limit = min(max(limit, 1), Limits.changesMax)
        let changed = try rows(
            Self.changesSQL, [.integer(row.number), .integer(seen.version), .integer(limit + 1)]
        ).map(\.value)
        if changed.count > limit {
            let page = Array(changed.prefix(limit))
            let offset = page.last { $0.state == .running }?.text.utf8.count ?? 0
            return ConversationChanges(
                conversation: conversation, isReset: isReset, messages: page, growth: nil,
                cursor: Cursor(version: page[limit - 1].version, offset: offset))
        }
        var offset = 0
        var growth: AnswerGrowth?
        if let running = row.running, let id = conversation.runningAnswer {
            let length = try length(ofRunning: running)
            if changed.contains(where: { $0.id == id }) {
                offset = length
            } else {
                offset = max(length, seen.offset)
                growth = try self.growth(of: id, running, from: seen.offset)
            }
        }
        let now = Cursor(version: conversation.version, offset: offset)
        guard isReset || !changed.isEmpty || growth != nil || now.version != seen.version else { return nil }
        return ConversationChanges(
            conversation: conversation, isReset: isReset, messages: changed, growth: growth, cursor: now)
    }
}
