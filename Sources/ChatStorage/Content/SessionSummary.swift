package import ChatCore

/// What an operator is told of a session: no title and no text.
package struct SessionSummary: Hashable, Sendable {
    /// Its id.
    package let id: SessionID
    /// When it was made.
    package let created: Timestamp
    /// When one of its conversations last changed, or when it was made.
    package let used: Timestamp
    package let conversations: Int
    package let messages: Int

    /// Of a document.
    init(_ document: SessionDocument) {
        id = document.session.id
        created = document.session.created
        used = document.conversations.map(\.conversation.updated).max() ?? created
        conversations = document.conversations.count
        messages = document.conversations.reduce(0) { $0 + $1.messages.count }
    }

    init(id: SessionID, created: Timestamp, used: Timestamp, conversations: Int, messages: Int) {
        self.id = id
        self.created = created
        self.used = used
        self.conversations = conversations
        self.messages = messages
    }
}

extension SessionDocumentTable {
    private static let summarySQL = """
        SELECT s.id, s.created_ms, max(s.created_ms, ifnull(max(c.updated_ms), 0)), count(c.number),
            ifnull(sum(c.message_count), 0)
        FROM session AS s LEFT JOIN conversation AS c ON c.session = s.number
        """

    /// Of the sessions with ids after `id`, in ascending order.
    func summaries(after id: SessionID?, limit: Int) throws(SQLiteError) -> [SessionSummary] {
        try connection.rows(
            "\(Self.summarySQL) WHERE s.id > ? GROUP BY s.number ORDER BY s.id LIMIT ?",
            [.blob(id?.bytes ?? []), .integer(limit)], Self.summary)
    }

    /// Of one session; nil when there is none.
    func summary(of id: SessionID) throws(SQLiteError) -> SessionSummary? {
        try connection.first(
            "\(Self.summarySQL) WHERE s.id = ? GROUP BY s.number", [.blob(id.bytes)], Self.summary)
    }

    private static func summary(_ row: Statement) throws(SQLiteError) -> SessionSummary {
        SessionSummary(
            id: SessionID(hash: try row.blob(0)), created: Timestamp(milliseconds: try row.int64(1)),
            used: Timestamp(milliseconds: try row.int64(2)), conversations: try row.int(3),
            messages: try row.int(4))
    }
}
