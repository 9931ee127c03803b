import CSQLite

enum TransactionKind: String, Sendable {
    /// For reading: takes the SHARED lock with the first SELECT.
    case deferred = "BEGIN DEFERRED"
    /// For writing, always: a transaction that reads first and writes later must upgrade its lock, and SQLite
    /// refuses that at once when two want to (whoever waited would wait for ever), so a retry of the
    /// statement never helps.
    /// > BEGIN IMMEDIATE causes the database connection to start a new write immediately, without waiting for
    /// > a write statement. https://www.sqlite.org/lang_transaction.html
    case immediate = "BEGIN IMMEDIATE"
}

extension Connection {
    /// True between BEGIN and the end of the transaction, whoever ended it: asked, never remembered.
    ///
    /// > If certain kinds of errors occur on a statement within a multi-statement transaction (errors
    /// > including SQLITE_FULL, SQLITE_IOERR, SQLITE_NOMEM, SQLITE_BUSY, and SQLITE_INTERRUPT) then the
    /// > transaction might be rolled back automatically. The only way to find out whether SQLite
    /// > automatically rolled back the transaction after an error is to use this function.
    /// > https://www.sqlite.org/c3ref/get_autocommit.html
    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    /// True if the open transaction may have written.
    var hasWriteTransaction: Bool { sqlite3_txn_state(handle, "main") == SQLITE_TXN_WRITE }

    func begin(_ kind: TransactionKind) throws(SQLiteError) {
        try run(kind.rawValue)
    }

    /// - Throws: `SQLiteError`. After `busy` the transaction is still open and may be committed again; after
    ///   anything else ask `isInTransaction`.
    func commit() throws(SQLiteError) {
        try run("COMMIT")
    }

    /// Ends an open transaction without its changes; does nothing when SQLite has ended it already.
    func rollBackIfOpen() {
        guard isInTransaction else { return }
        // A failing ROLLBACK (I/O error) still ends the transaction; the journal then repairs the file at the
        // next open.
        _ = try? run("ROLLBACK")
    }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    /// - Throws: what `body` throws, or `SQLiteError` of BEGIN or COMMIT; in each case nothing of it is kept,
    ///   except after an I/O error in COMMIT, whose outcome nobody knows.
    func transaction<R>(_ kind: TransactionKind, _ body: () throws -> R) throws -> R {
        try begin(kind)
        do {
            let value = try body()
            try commit()
            return value
        } catch {
            rollBackIfOpen()
            throw error
        }
    }

    /// Runs `body` inside an open transaction so that its error undoes only its own changes.
    ///
    /// If SQLite rolled the whole transaction back (ask `isInTransaction`), there is no savepoint left to
    /// return to.
    /// - Throws: what `body` throws.
    func savepoint<R>(_ body: () throws -> R) throws -> R {
        try run("SAVEPOINT operation")
        do {
            let value = try body()
            try run("RELEASE operation")
            return value
        } catch {
            if isInTransaction {
                do {
                    try run("ROLLBACK TO operation")
                    try run("RELEASE operation")
                } catch {
                    // Half an operation must not be committed with the others.
                    rollBackIfOpen()
                }
            }
            throw error
        }
    }
}
