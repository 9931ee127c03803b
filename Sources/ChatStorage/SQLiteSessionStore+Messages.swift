import ChatCore

/// Reading the tables `message` and `part`, inside a transaction of their shard.
struct MessageTable {
    private let connection: Connection
    private let branches: BranchTable

    init(_ connection: Connection) {
        self.connection = connection
        branches = BranchTable(connection)
    }

    /// A message, and the numbers that only the store knows.
    struct Row {
        let number: Int64
        /// Of a prompt: the newest answer to it.
        let answer: Int64?
        /// Whether an answer that ended has reasoning in a table of its own.
        let hasReasoning: Bool
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
        stop_reason, error_code, error_message, input_tokens, output_tokens, created_ms, updated_ms, \
        version, reasoning_bytes
        """
    static let findSQL = "SELECT \(columns) FROM message WHERE conversation = ? AND id = ?"
    static let numberSQL = "SELECT \(columns) FROM message WHERE number = ?"
    static let pageSQL =
        "SELECT \(columns) FROM message WHERE number > ? AND number < ? ORDER BY number DESC LIMIT ?"
    static let rangeSQL = "SELECT \(columns) FROM message WHERE number BETWEEN ? AND ? ORDER BY number"
    static let idSQL = "SELECT id FROM message WHERE number = ?"
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
    static let partsSQL = "SELECT is_reasoning, text FROM part WHERE message = ? ORDER BY offset"
    static let reasoningSQL = "SELECT text FROM reasoning WHERE message = ?"
    static let partsFromSQL = """
        SELECT offset, is_reasoning, text FROM part WHERE message = ?1
            AND offset >= (SELECT max(offset) FROM part WHERE message = ?1 AND offset <= ?2) ORDER BY offset
        """
    static let lastPartSQL =
        "SELECT is_reasoning FROM part WHERE message = ? ORDER BY offset DESC LIMIT 1"
    static let lengthSQL =
        "SELECT offset + text_bytes FROM part WHERE message = ? ORDER BY offset DESC LIMIT 1"

    static func row(_ row: Statement) throws(SQLiteError) -> Row {
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
            number: number, answer: try row.int64IfAny(1), hasReasoning: try row.int(19) > 0,
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

    /// Rows with what a running answer said put together from its parts, and the reasoning of one that
    /// ended.
    private func rows(_ sql: String, _ values: [SQLiteValue]) throws(SQLiteError) -> [Row] {
        var rows = try connection.rows(sql, values, Self.row)
        for index in rows.indices { try complete(&rows[index]) }
        return rows
    }

    /// Adds to a row what is kept elsewhere of what was said.
    func complete(_ row: inout Row) throws(SQLiteError) {
        if row.value.state == .running {
            let said = try said(byRunning: row.number)
            row.value.reasoning = said.reasoning
            row.value.text = said.text
        } else if row.hasReasoning {
            row.value.reasoning = try reasoning(of: row.number)
        }
    }

    func find(_ id: MessageID, in conversation: Int64) throws(SQLiteError) -> Row? {
        try rows(Self.findSQL, [.integer(conversation), .text(id.rawValue)]).first
    }

    func find(number: Int64) throws(SQLiteError) -> Row? {
        try rows(Self.numberSQL, [.integer(number)]).first
    }

    /// Every message of a conversation, shown or not, in ascending order of position.
    func all(of conversation: Int64) throws(SQLiteError) -> [Message] {
        try rows(
            Self.rangeSQL,
            [
                .integer(Self.number(conversation, 0)),
                .integer(Self.number(conversation, Int(Self.positionsMax) - 1)),
            ]
        ).map(\.value)
    }

    // MARK: Parts

    func said(byRunning number: Int64) throws(SQLiteError) -> Utterance {
        var said = Utterance()
        for part in try connection.rows(
            Self.partsSQL, [.integer(number)],
            { row throws(SQLiteError) in Self.utterance(isReasoning: try row.flag(0), try row.text(1)) })
        { said.append(part) }
        return said
    }

    private static func utterance(isReasoning: Bool, _ text: String) -> Utterance {
        isReasoning ? Utterance(reasoning: text) : Utterance(text: text)
    }

    private func reasoning(of number: Int64) throws(SQLiteError) -> String {
        try connection.first(Self.reasoningSQL, [.integer(number)]) { row throws(SQLiteError) in
            try row.text(0)
        } ?? ""
    }

    /// Bytes of UTF-8 appended so far, reasoning and text.
    func length(ofRunning number: Int64) throws(SQLiteError) -> Int {
        try connection.first(Self.lengthSQL, [.integer(number)]) { row throws(SQLiteError) in try row.int(0) }
            ?? 0
    }

    /// Whether the last that was appended is reasoning.
    func isReasoning(running number: Int64) throws(SQLiteError) -> Bool {
        try connection.first(Self.lastPartSQL, [.integer(number)]) { row throws(SQLiteError) in
            try row.flag(0)
        } ?? false
    }

    /// What was appended to a running answer after `offset`; nil when nothing was, or when the offset is
    /// inside a character, which only a made-up cursor names.
    private func growth(of answer: MessageID, _ number: Int64, from offset: Int) throws(SQLiteError)
        -> AnswerGrowth?
    {
        guard offset >= 0 else { return nil }
        let parts = try connection.rows(Self.partsFromSQL, [.integer(number), .integer(offset)]) {
            row throws(SQLiteError) in
            (offset: try row.int(0), said: Self.utterance(isReasoning: try row.flag(1), try row.text(2)))
        }
        guard let first = parts.first else { return nil }
        var said = Utterance()
        for part in parts { said.append(part.said) }
        guard let gained = said.dropFirst(offset - first.offset), !gained.isEmpty else { return nil }
        return AnswerGrowth(message: answer, offset: offset, said: gained)
    }

    // MARK: Alternatives

    /// The messages with the alternatives of each.
    func presented(_ messages: [Message], in row: ConversationTable.Row) throws(SQLiteError) -> [Message] {
        guard let branching = try branches.branching(of: row) else { return messages }
        var presented: [Message] = []
        for var message in messages {
            let positions = branching.alternatives(of: message.position)
            if positions.count > 1 {
                for position in positions {
                    if let id = try id(at: position, in: row.number) { message.alternatives.append(id) }
                }
            }
            presented.append(message)
        }
        return presented
    }

    func id(at position: Int, in conversation: Int64) throws(SQLiteError) -> MessageID? {
        try connection.first(Self.idSQL, [.integer(Self.number(conversation, position))]) {
            row throws(SQLiteError) in
            MessageID(uncheckedRawValue: try row.text(0))
        }
    }

    /// The positions that are shown; all of them as long as each message follows the one before it.
    func path(of row: ConversationTable.Row) throws(SQLiteError) -> [ClosedRange<Int>] {
        try branches.branching(of: row)?.path ?? [1...Int(Self.positionsMax) - 1]
    }

    /// The last `limit` messages on a path at positions between two, newest first.
    private func newest(
        _ limit: Int, on path: [ClosedRange<Int>], after low: Int, before high: Int, in conversation: Int64
    ) throws(SQLiteError) -> [Row] {
        var found: [Row] = []
        for range in path.reversed() where found.count < limit {
            let first = max(range.lowerBound, low + 1), last = min(range.upperBound, high - 1)
            guard first <= last else { continue }
            found += try rows(
                Self.pageSQL,
                [
                    .integer(Self.number(conversation, first) - 1),
                    .integer(Self.number(conversation, last) + 1), .integer(limit - found.count),
                ])
        }
        return found
    }

    // MARK: Pages

    func page(of row: ConversationTable.Row, before position: Int?, limit: Int) throws -> ConversationPage {
        let limit = min(max(limit, 1), Limits.messagesPageMax)
        let before = min(max(position ?? .max, 0), Int(Self.positionsMax))
        // One more than asked for tells whether there is an earlier page.
        let found = try newest(
            limit + 1, on: try path(of: row), after: 0, before: before, in: row.number)
        let page = try presented(found.prefix(limit).reversed().map(\.value), in: row)
        return ConversationPage(
            conversation: row.value, messages: page,
            earlier: found.count > limit ? page.first?.position : nil, cursor: try cursor(of: row))
    }

    private func cursor(of row: ConversationTable.Row) throws(SQLiteError) -> Cursor {
        var offset = 0
        if let running = row.running { offset = try length(ofRunning: running) }
        return Cursor(version: row.value.version, offset: offset)
    }

    func history(
        endingWith prompt: MessageID, in row: ConversationTable.Row, bytesMax: Int
    ) throws -> [Message] {
        guard let last = try find(prompt, in: row.number)?.value.position else {
            throw ChatError.notFound("message")
        }
        let path = try branches.branching(of: row)?.path(to: last) ?? [1...last]
        // First only the lengths, which come before the texts in a row, then the texts that fit.
        var kept: [ClosedRange<Int64>] = []
        var bytes = 0
        for range in path.reversed() where bytes <= bytesMax || kept.isEmpty {
            let end = Self.number(row.number, range.upperBound)
            var first: Int64?
            try connection.withStatement(Self.lengthsSQL) { statement throws(SQLiteError) in
                try statement.bind([
                    .integer(Self.number(row.number, range.lowerBound) - 1), .integer(end),
                ])
                while try statement.step() {
                    bytes += try statement.intIfAny(1) ?? 0
                    guard bytes <= bytesMax || (kept.isEmpty && first == nil) else { return }
                    first = try statement.int64(0)
                }
            }
            if let first { kept.append(first...end) }
        }
        return try kept.reversed().flatMap { range in
            try rows(Self.rangeSQL, [.integer(range.lowerBound), .integer(range.upperBound)]).map(\.value)
        }
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
        if let after = try branches.branching(of: row)?.voidedAfter(since: seen.version) {
            return try replacement(in: row, after: after, since: seen, isReset: isReset, limit: limit)
        }
        let changed = try presented(changed(since: seen.version, limit: limit + 1, in: row), in: row)
        if changed.count > limit {
            let page = Array(changed.prefix(limit))
            let offset = page.last { $0.state == .running }?.said.bytes ?? 0
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

    private func changed(since version: Int, limit: Int, in row: ConversationTable.Row) throws -> [Message] {
        try rows(Self.changesSQL, [.integer(row.number), .integer(version), .integer(limit)]).map(\.value)
    }

    /// What a reader is told that has seen messages which are no longer shown.
    private func replacement(
        in row: ConversationTable.Row, after position: Int, since seen: Cursor, isReset: Bool, limit: Int
    ) throws -> ConversationChanges {
        if !isReset {
            let path = try path(of: row)
            let before = try changed(since: seen.version, limit: limit + 1, in: row).filter { message in
                message.position <= position && path.contains { $0.contains(message.position) }
            }
            let behind = try newest(
                limit + 1, on: path, after: position, before: Int(Self.positionsMax), in: row.number)
            let fresh = before.sorted { $0.position < $1.position } + behind.reversed().map(\.value)
            if fresh.count <= limit {
                return ConversationChanges(
                    conversation: row.value, isReset: false, droppedAfter: position,
                    messages: try presented(fresh, in: row), growth: nil, cursor: try cursor(of: row))
            }
        }
        let page = try page(of: row, before: nil, limit: limit)
        return ConversationChanges(
            conversation: row.value, isReset: true, messages: page.messages, earlier: page.earlier,
            growth: nil, cursor: page.cursor)
    }
}
