import CSQLite

/// One open database file.
///
/// Deliberately not Sendable: opened with `SQLITE_OPEN_NOMUTEX`, it belongs to one executor, and the compiler
/// keeps it there. Nothing here waits: a lock that another process holds is `busy` at once, and who wants to
/// wait does so between two calls (`BusyBackOff`), without blocking a thread.
final class Connection {
    let options: OpenOptions
    let interruptHandle: InterruptHandle
    let handle: OpaquePointer
    private var idleStatements: [String: Statement] = [:]
    private var isClosed = false

    /// More than the statements of the whole program; the bound is for SQL that is made at run time.
    static let idleStatementsMax = 128

    /// Opens the file with the named VFS and applies and checks every setting.
    /// - Throws: `SQLiteError`; `busy` if another process is just writing (retry the opening), `cannotOpen`
    ///   if the file is missing and may not be made, `misuse` if a flag or setting did not take effect.
    convenience init(_ options: OpenOptions, pragmas: Pragmas) throws(SQLiteError) {
        try self.init(options)
        try pragmas.apply(to: self)
    }

    /// Opens without settings; for tests and for looking at foreign files.
    init(_ options: OpenOptions) throws(SQLiteError) {
        guard options.path.utf8.first == UInt8(ascii: "/") else {
            throw SQLiteError(code: .misuse, message: "a database is opened by its absolute path")
        }
        var opened: OpaquePointer?
        let result = sqlite3_open_v2(options.path, &opened, options.flags, options.vfs)
        guard result == SQLITE_OK, let opened else {
            let error = SQLiteError(result, on: opened)
            // > Whether or not an error occurs when it is opened, resources associated with the database
            // > connection handle should be released by passing it to sqlite3_close().
            sqlite3_close_v2(opened)
            throw error
        }
        self.options = options
        handle = opened
        interruptHandle = InterruptHandle(opened)
        sqlite3_extended_result_codes(opened, 1)
        // "memdb" adds the size of what it holds.
        guard vfsName == options.vfs || vfsName.hasPrefix("\(options.vfs)(") else {
            throw SQLiteError(code: .misuse, message: "opened with VFS \(vfsName), not \(options.vfs)")
        }
        // SQLite falls back to a read-only file handle when the file may not be written.
        guard sqlite3_db_readonly(opened, "main") == (options.access == .readOnly ? 1 : 0) else {
            throw SQLiteError(code: .readOnly, message: "the file cannot be opened for writing")
        }
    }

    deinit {
        guard !isClosed else { return }
        interruptHandle.forget()
        idleStatements.removeAll()
        // v2: a statement that outlives us (impossible inside a loan) would keep a zombie instead of a
        // dangling pointer.
        sqlite3_close_v2(handle)
    }

    /// Closes the file and gives up its locks. Closing twice is the same as once.
    /// - Throws: `SQLiteError` `busy`, naming the SQL of the statements that are still lent; nothing is
    ///   closed then.
    func close() throws(SQLiteError) {
        guard !isClosed else { return }
        idleStatements.removeAll()
        var live: [String] = []
        var next = sqlite3_next_stmt(handle, nil)
        while let statement = next {
            live.append(sqlite3_sql(statement).map { String(cString: $0) } ?? "?")
            next = sqlite3_next_stmt(handle, statement)
        }
        guard live.isEmpty else {
            throw SQLiteError(
                code: .busy, message: "closed with \(live.count) live statements",
                sql: live.joined(separator: "; "))
        }
        interruptHandle.forget()
        let result = sqlite3_close(handle)
        guard result == SQLITE_OK else { throw SQLiteError(result, on: handle) }
        isClosed = true
    }

    /// The VFS that really serves the file.
    var vfsName: String {
        var name: UnsafeMutablePointer<CChar>?
        guard sqlite3_file_control(handle, "main", SQLITE_FCNTL_VFSNAME, &name) == SQLITE_OK, let name else {
            return ""
        }
        defer { sqlite3_free(name) }
        return String(cString: name)
    }

    // MARK: Statements

    /// Lends the statement for `sql` (compiled once, then kept) to `body`. On every way out (value, error,
    /// early return) it is reset and its bindings are cleared.
    func withStatement<R>(
        _ sql: String, _ body: (Statement) throws(SQLiteError) -> R
    ) throws(SQLiteError) -> R {
        precondition(!isClosed, "connection used after close")
        // Taken out while it is lent: the same SQL used inside `body` gets a second statement.
        let statement: Statement
        if let idle = idleStatements.removeValue(forKey: sql) {
            statement = idle
        } else {
            statement = try Statement(sql: sql, on: handle)
        }
        statement.lend()
        defer {
            statement.takeBack()
            if idleStatements.count < Self.idleStatementsMax { idleStatements[sql] = statement }
        }
        return try body(statement)
    }

    /// Runs a statement to its end and returns how many rows it changed (cascades not counted).
    @discardableResult
    func run(_ sql: String, _ values: [SQLiteValue] = []) throws(SQLiteError) -> Int {
        try withStatement(sql) { statement throws(SQLiteError) in
            try statement.bind(values)
            while try statement.step() {}
            return Int(sqlite3_changes64(handle))
        }
    }

    /// Calls `body` for each row, in order.
    func query(
        _ sql: String, _ values: [SQLiteValue] = [], _ body: (Statement) throws(SQLiteError) -> Void
    ) throws(SQLiteError) {
        try withStatement(sql) { statement throws(SQLiteError) in
            try statement.bind(values)
            while try statement.step() { try body(statement) }
        }
    }

    /// Every row, mapped.
    func rows<R>(
        _ sql: String, _ values: [SQLiteValue] = [], _ map: (Statement) throws(SQLiteError) -> R
    ) throws(SQLiteError) -> [R] {
        var rows: [R] = []
        try query(sql, values) { row throws(SQLiteError) in rows.append(try map(row)) }
        return rows
    }

    /// The first row, mapped; nil when there is none. The rest is not read.
    func first<R>(
        _ sql: String, _ values: [SQLiteValue] = [], _ map: (Statement) throws(SQLiteError) -> R
    ) throws(SQLiteError) -> R? {
        try withStatement(sql) { statement throws(SQLiteError) in
            try statement.bind(values)
            return try statement.step() ? try map(statement) : nil
        }
    }

    /// Runs a script of several statements, for migrations. No values can be bound, and the script cannot end
    /// the transaction that it runs in.
    /// - Throws: `SQLiteError` of the first statement that fails; those before it are done.
    func runScript(_ sql: String) throws(SQLiteError) {
        precondition(!isClosed, "connection used after close")
        guard !sql.utf8.contains(0) else { throw SQLiteError(code: .misuse, message: "a script holds a NUL") }
        sqlite3_set_authorizer(
            handle,
            { _, action, _, _, _, _ in
                action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT ? SQLITE_DENY : SQLITE_OK
            }, nil)
        defer { sqlite3_set_authorizer(handle, nil, nil) }
        let result = sqlite3_exec(handle, sql, nil, nil, nil)
        guard result == SQLITE_OK else { throw SQLiteError(result, on: handle) }
    }

    var lastInsertRowID: Int64 { sqlite3_last_insert_rowid(handle) }

    /// Switches an option of `sqlite3_db_config` and asks what is in force.
    func set(flag: Int32, on: Bool, name: String) throws(SQLiteError) {
        var now: Int32 = -1
        let result = stoa_sqlite3_db_config_flag(handle, flag, on ? 1 : 0, &now)
        guard result == SQLITE_OK, now == (on ? 1 : 0) else {
            throw SQLiteError(code: .misuse, message: "option \(name) did not take effect")
        }
    }
}
