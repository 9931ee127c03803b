package import ChatCore

extension SQLiteSessionStore {
    package func texts(of session: SessionID, from place: SearchPlace?, bounds: ReadBounds) async throws
        -> SearchStretch
    {
        try await shard(session).read {
            try ReadingTables($0).texts(of: session, from: place, bounds: bounds.cut(to: .batch))
        }
    }

    package func transcripts(
        of conversations: [ConversationID], in session: SessionID, after position: Int, bounds: ReadBounds
    ) async throws -> TranscriptStretch {
        try await shard(session).read {
            try ReadingTables($0).transcripts(
                of: conversations, in: session, after: position, bounds: bounds.cut(to: .batch))
        }
    }
}

/// Going through a session's conversations and messages, inside a read transaction of their shard. Rows are
/// taken one by one until a bound is met; the rest is never read from the volume.
struct ReadingTables {
    private let connection: Connection
    private let conversations: ConversationTable
    private let messages: MessageTable
    private let branches: BranchTable

    init(_ connection: Connection) {
        self.connection = connection
        conversations = ConversationTable(connection)
        messages = MessageTable(connection)
        branches = BranchTable(connection)
    }

    /// Once for pinned conversations and once for the others: the index keeps them apart.
    static let newestSQL = """
        SELECT \(ConversationTable.columns) FROM conversation AS c \(ConversationTable.joins)
        WHERE c.session = ?1 AND c.is_pinned = ?2 AND (c.updated_ms, c.id) < (?3, ?4)
        ORDER BY c.updated_ms DESC, c.id DESC
        """
    static let textsSQL = """
        SELECT number, id, role, state, text FROM message WHERE number > ? AND number < ?
        ORDER BY number DESC
        """
    static let transcriptSQL =
        "SELECT \(MessageTable.columns) FROM message WHERE number > ? AND number < ? ORDER BY number"

    // MARK: Searching

    func texts(of session: SessionID, from place: SearchPlace?, bounds: ReadBounds) throws -> SearchStretch {
        let owner = try SessionTable(connection).session(session).number
        var meter = ReadMeter(bounds)
        var parts: [SearchStretch.Part] = []
        if let place, place.before > 0, let row = try unchanged(place, of: session) {
            var part = SearchStretch.Part(conversation: row.value, isContinued: true)
            let next = try add(to: &part, of: row, before: place.before, &meter)
            parts.append(part)
            if let next { return SearchStretch(parts: parts, next: next) }
        }
        var next: SearchPlace?
        try newestFirst(after: place, of: owner) { row throws(SQLiteError) in
            if meter.isSpent, let last = parts.last {
                next = SearchPlace(after: last.conversation)
                return false
            }
            meter.count(row.value.searchedBytes)
            var part = SearchStretch.Part(conversation: row.value, isContinued: false)
            next = try add(to: &part, of: row, before: Int(MessageTable.positionsMax), &meter)
            parts.append(part)
            return next == nil
        }
        return SearchStretch(parts: parts, next: next)
    }

    /// The conversation at a place, unless it changed since.
    private func unchanged(_ place: SearchPlace, of session: SessionID) throws(SQLiteError)
        -> ConversationTable.Row?
    {
        let row = try connection.first(
            ConversationTable.findSQL, [.blob(session.bytes), .text(place.id.rawValue)], ConversationTable.row
        )
        return row?.value.updated == place.updated ? row : nil
    }

    /// Calls `body` with one conversation after the other, until it returns false.
    private func newestFirst(
        after place: SearchPlace?, of session: Int64,
        _ body: (ConversationTable.Row) throws(SQLiteError) -> Bool
    ) throws(SQLiteError) {
        func values(pinned: Bool) -> [SQLiteValue] {
            [
                .integer(session), .flag(pinned), .integer(place?.updated.milliseconds ?? .max),
                .text(place?.id.rawValue ?? ""),
            ]
        }
        func next(_ statement: Statement) throws(SQLiteError) -> ConversationTable.Row? {
            try statement.step() ? try ConversationTable.row(statement) : nil
        }
        try connection.withStatement(Self.newestSQL) { pinned throws(SQLiteError) in
            try pinned.bind(values(pinned: true))
            try connection.withStatement(Self.newestSQL) { others throws(SQLiteError) in
                try others.bind(values(pinned: false))
                var first = try next(pinned), second = try next(others)
                while let row = Self.newer(first, second) {
                    guard try body(row) else { return }
                    if row.number == first?.number {
                        first = try next(pinned)
                    } else {
                        second = try next(others)
                    }
                }
            }
        }
    }

    private static func newer(_ left: ConversationTable.Row?, _ right: ConversationTable.Row?)
        -> ConversationTable.Row?
    {
        guard let left, let right else { return left ?? right }
        return SearchPlace(after: left.value).isBefore(right.value) ? left : right
    }

    /// Adds the shown messages before a position, the newest first.
    /// - Returns: where to go on when a bound was met before the first of them.
    private func add(
        to part: inout SearchStretch.Part, of row: ConversationTable.Row, before position: Int,
        _ meter: inout ReadMeter
    ) throws(SQLiteError) -> SearchPlace? {
        for range in try messages.path(of: row).reversed() {
            let last = min(range.upperBound, position - 1)
            guard range.lowerBound <= last else { continue }
            let end = try connection.withStatement(Self.textsSQL) { statement throws(SQLiteError) -> Int? in
                try statement.bind([
                    .integer(MessageTable.number(row.number, range.lowerBound) - 1),
                    .integer(MessageTable.number(row.number, last) + 1),
                ])
                while try statement.step() {
                    let number = try statement.int64(0)
                    if meter.isSpent { return Int(number % MessageTable.positionsMax) }
                    let text = try self.text(statement, number)
                    meter.count(text.text.utf8.count)
                    part.messages.append(text)
                }
                return nil
            }
            if let end {
                return SearchPlace(updated: row.value.updated, id: row.value.id, before: end + 1)
            }
        }
        return nil
    }

    private func text(_ row: Statement, _ number: Int64) throws(SQLiteError) -> SearchStretch.Text {
        guard let role = Message.Role(rawValue: try row.text(2)) else {
            throw SQLiteError(code: .corrupt, message: "message with an unknown role", sql: row.sql)
        }
        let isRunning = try row.text(3) == Message.State.running.rawValue
        return SearchStretch.Text(
            message: SearchedMessage(
                id: MessageID(uncheckedRawValue: try row.text(1)), role: role,
                position: Int(number % MessageTable.positionsMax)),
            text: isRunning ? try messages.said(byRunning: number).text : try row.text(4))
    }

    // MARK: Exporting

    func transcripts(
        of ids: [ConversationID], in session: SessionID, after position: Int, bounds: ReadBounds
    ) throws -> TranscriptStretch {
        _ = try SessionTable(connection).session(session)
        var meter = ReadMeter(bounds)
        var parts: [TranscriptStretch.Part] = []
        for (index, id) in ids.enumerated() {
            if meter.isSpent, !parts.isEmpty {
                return TranscriptStretch(parts: parts, next: .init(conversations: index, position: 0))
            }
            let values: [SQLiteValue] = [.blob(session.bytes), .text(id.rawValue)]
            guard let row = try connection.first(ConversationTable.findSQL, values, ConversationTable.row)
            else { continue }
            let position = index == 0 ? position : 0
            let part = try transcript(of: row, after: position, &meter)
            parts.append(part)
            if !part.isWhole {
                let last = part.entries.last?.message.position ?? position
                return TranscriptStretch(parts: parts, next: .init(conversations: index, position: last))
            }
        }
        return TranscriptStretch(parts: parts, next: nil)
    }

    private func transcript(of row: ConversationTable.Row, after position: Int, _ meter: inout ReadMeter)
        throws(SQLiteError) -> TranscriptStretch.Part
    {
        let branching = try branches.branching(of: row)
        let path = branching?.path
        let shown = try messages.id(at: branching?.leaf ?? row.nextPosition - 1, in: row.number)
        var part = TranscriptStretch.Part(conversation: row.value, shown: shown)
        var ids: [Int: MessageID] = [:]
        try connection.withStatement(Self.transcriptSQL) { statement throws(SQLiteError) in
            try statement.bind([
                .integer(MessageTable.number(row.number, min(max(position, 0), row.nextPosition))),
                .integer(MessageTable.number(row.number, row.nextPosition)),
            ])
            while try statement.step() {
                if meter.isSpent { return }
                var message = try MessageTable.row(statement)
                try messages.complete(&message)
                meter.count(message.value.said.bytes)
                let parent = branching?.parent(of: message.value.position) ?? message.value.position - 1
                if ids[parent] == nil { ids[parent] = try messages.id(at: parent, in: row.number) }
                ids[message.value.position] = message.value.id
                part.entries.append(
                    TranscriptStretch.Entry(
                        message: message.value,
                        follows: ids[parent],
                        isShown: path?.contains { $0.contains(message.value.position) } ?? true))
            }
            // After its messages, so that a stretch has at least one.
            meter.count(0)
            part.isWhole = true
        }
        return part
    }
}
