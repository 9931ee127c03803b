import ChatCore

/// The tables, indexes, views and triggers of a shard, each with its SQL: what a schema really is, whatever
/// its history says.
struct SchemaObjects: Hashable, Sendable {
    /// SQL by kind and name, as in `table message`.
    let sql: [String: String]

    /// What a connection's database holds; the migrator's own table and SQLite's are left out.
    init(of connection: Connection) throws(SQLiteError) {
        let rows = try connection.rows("SELECT type, name, ifnull(sql, '') FROM sqlite_schema") {
            row throws(SQLiteError) in
            (kind: try row.text(0), name: try row.text(1), sql: try row.text(2))
        }
        var found: [String: String] = [:]
        for row in rows where row.name != SchemaHistory.table && !row.name.hasPrefix("sqlite_") {
            found["\(row.kind) \(row.name)"] = Self.essence(of: row.sql)
        }
        sql = found
    }

    /// What these migrations make of an empty database.
    /// - Throws: `SQLiteError` of the first that fails.
    init(madeBy migrations: some Sequence<Migration>) throws {
        // Only in memory; the name is this call's own.
        let connection = try Connection(
            OpenOptions(
                path: "/stoa-schema-\(UInt64.random(in: .min ... .max))", vfs: "memdb", access: .create))
        for migration in migrations { try connection.runScript(migration.sql) }
        try self.init(of: connection)
        try connection.close()
    }

    /// How these differ from `wanted`, a sentence each, sorted; none when they are alike.
    func differences(from wanted: SchemaObjects) -> [String] {
        let missing = wanted.sql.keys.filter { sql[$0] == nil }.map { "\($0) is missing" }
        let foreign = sql.keys.filter { wanted.sql[$0] == nil }.map { "\($0) is not the migrations'" }
        let changed = sql.filter { wanted.sql[$0.key] != nil && wanted.sql[$0.key] != $0.value }.keys
            .map { "\($0) is not as the migrations make it" }
        return (missing + foreign + changed).sorted()
    }

    /// Without comments, quotes, layout and case: versions of SQLite write a renamed table differently.
    private static func essence(of sql: String) -> String {
        sql.split(separator: "\n").map { line in
            String(line.prefix(upTo: line.range(ofComment: "--")))
        }
        .joined().lowercased().filter { !$0.isWhitespace && $0 != "\"" }
    }
}

extension Substring {
    /// Where a comment begins, or the end.
    fileprivate func range(ofComment mark: String) -> Index {
        var index = startIndex
        while index < endIndex {
            if self[index...].hasPrefix(mark) { return index }
            index = self.index(after: index)
        }
        return endIndex
    }
}
