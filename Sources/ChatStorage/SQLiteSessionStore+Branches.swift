import ChatCore

/// The table `branch`, inside a transaction of its shard. A conversation without a leaf has none.
struct BranchTable {
    private let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    static let listSQL = "SELECT first, parent, version FROM branch WHERE conversation = ? ORDER BY first"
    static let removeSQL = "DELETE FROM branch WHERE conversation = ?"

    /// Nil for a conversation whose messages all follow each other; that is known without a look.
    func branching(of row: ConversationTable.Row) throws(SQLiteError) -> Branching? {
        guard let leaf = row.leaf else { return nil }
        let branches = try connection.rows(Self.listSQL, [.integer(row.number)]) { row throws(SQLiteError) in
            Branching.Branch(first: try row.int(0), parent: try row.int(1), version: try row.int(2))
        }
        return Branching(branches: branches, leaf: leaf)
    }

    /// Writes what changed with the versions after `version`; the leaf is the conversation's to store.
    func store(_ branching: Branching?, of conversation: Int64, after version: Int) throws(SQLiteError) {
        for branch in branching?.branches ?? [] where branch.version > version {
            try connection.run(
                """
                INSERT INTO branch VALUES (?, ?, ?, ?)
                ON CONFLICT (conversation, first) DO UPDATE SET version = excluded.version
                """,
                [
                    .integer(conversation), .integer(branch.first), .integer(branch.parent),
                    .integer(branch.version),
                ])
        }
    }

    func remove(of conversation: Int64) throws(SQLiteError) {
        try connection.run(Self.removeSQL, [.integer(conversation)])
    }
}
