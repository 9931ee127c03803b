import ChatCore

/// Reads every page and every session of an ordinary database that a shard was copied to.
enum DatabaseExamination {
    /// Statements that find nothing in a sound shard, and what they find in another one.
    private static let rules: [(sql: String, fault: String)] = [
        (
            """
            SELECT count(*) FROM session AS s WHERE conversation_count <>
                (SELECT count(*) FROM conversation WHERE session = s.number)
            """, "sessions count their conversations wrongly"
        ),
        (
            """
            SELECT count(*) FROM conversation AS c WHERE message_count <>
                (SELECT count(*) FROM message WHERE conversation = c.number)
            """, "conversations count their messages wrongly"
        ),
        (
            """
            SELECT count(*) FROM conversation AS c WHERE running IS NOT NULL AND NOT EXISTS
                (SELECT 1 FROM message WHERE number = c.running AND state = 'running')
            """, "conversations wait for an answer that does not run"
        ),
        (
            """
            SELECT count(*) FROM message AS m JOIN conversation AS c ON c.number = m.conversation
            WHERE m.state = 'running' AND c.running IS NOT m.number
            """, "answers run without their conversation"
        ),
        (
            """
            SELECT count(*) FROM part AS p WHERE NOT EXISTS
                (SELECT 1 FROM message WHERE number = p.message AND state = 'running')
            """, "orphaned parts of answers"
        ),
        (
            """
            SELECT count(*) FROM message WHERE state <> 'running'
                AND text_bytes <> length(CAST(text AS BLOB))
            """, "messages have another length than they say"
        ),
        (
            "SELECT count(*) FROM message AS m JOIN conversation AS c ON c.number = m.conversation "
                + "WHERE m.number - c.number * 16777216 >= c.next_position",
            "messages stand where the next ones would"
        ),
    ]

    /// Looks at the database at `path`, which nobody else has open.
    /// - Parameter belongs: whether a session is at home in this shard.
    static func report(
        on path: String, part: String, migrator: Migrator, belongs: (SessionID) -> Bool
    ) -> PartReport {
        var report = PartReport(part: part)
        report.bytes = AtomicFile.bytes(of: path)
        do {
            let connection = try Connection(
                OpenOptions(path: path, access: .readOnly), pragmas: Pragmas(journalMode: "DELETE"))
            defer { try? connection.close() }
            try connection.transaction(.deferred) {
                try examine(connection, migrator, belongs, &report)
            }
        } catch {
            report.add("it cannot be read: \(error)")
        }
        return report
    }

    private static func examine(
        _ connection: Connection, _ migrator: Migrator, _ belongs: (SessionID) -> Bool,
        _ report: inout PartReport
    ) throws {
        let pages = try connection.rows("PRAGMA integrity_check(\(PartReport.faultsMax))") {
            row throws(SQLiteError) in try row.text(0)
        }
        for line in pages where line != "ok" { report.add(line) }
        let orphans = try connection.rows("PRAGMA foreign_key_check") { row throws(SQLiteError) in
            try row.text(0)
        }
        for (table, rows) in Dictionary(grouping: orphans, by: \.self) {
            report.add("\(rows.count) orphaned rows in \(table)")
        }
        let status = try migrator.status(of: connection)
        switch status.state {
        case .current, .ahead: break
        case .drifted(let sentence): report.add(sentence)
        case .fresh, .older, .newer:
            // Sound pages are all that can be said of it.
            return
        }
        for rule in rules {
            let count = try connection.first(rule.sql) { row throws(SQLiteError) in try row.int(0) } ?? 0
            if count > 0 { report.add("\(count) \(rule.fault)") }
        }
        try read(connection, belongs, &report)
    }

    private static func read(
        _ connection: Connection, _ belongs: (SessionID) -> Bool, _ report: inout PartReport
    ) throws {
        let sessions = SessionDocumentTable(connection)
        var last: SessionID?
        while true {
            let page = try sessions.entries(after: last, limit: 100)
            guard let end = page.last else { return }
            for entry in page {
                if !belongs(entry.session.id) {
                    report.add("session \(entry.session.id.short) belongs to another shard")
                }
                if let document = try sessions.document(of: entry.session.id) {
                    report.content.add(try ContentHash(of: document))
                }
            }
            last = end.session.id
        }
    }
}
