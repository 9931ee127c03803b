import CSQLite

/// What SQLite answered when it refused. It never leaves ChatStorage: one function turns it into a
/// `ChatError`.
///
/// It holds the SQL text with its placeholders and never a bound value, so it can be logged.
struct SQLiteError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The extended result code.
    let code: SQLiteResultCode
    /// SQLite's own sentence, read before any other call on the connection could replace it.
    let message: String
    /// The statement at fault, without bound values.
    let sql: String?
    /// `errno` of the system call that failed (`EDQUOT`, `ESTALE`, `ENOLCK` ...), 0 when no system call did.
    let systemErrorNumber: Int32

    init(code: SQLiteResultCode, message: String, sql: String? = nil, systemErrorNumber: Int32 = 0) {
        self.code = code
        self.message = message
        self.sql = sql
        self.systemErrorNumber = systemErrorNumber
    }

    /// Reads the connection's last error. To be called directly after the call that failed.
    ///
    /// > If a subsequent API call is made, the error code and message may be overwritten.
    /// > https://www.sqlite.org/c3ref/errcode.html
    init(_ result: Int32, on handle: OpaquePointer?, sql: String? = nil) {
        guard let handle else {
            // Only sqlite3_open_v2 can leave us without a handle, and only because memory ran out.
            self.init(
                code: SQLiteResultCode(rawValue: result), message: String(cString: sqlite3_errstr(result)),
                sql: sql)
            return
        }
        let extended = sqlite3_extended_errcode(handle)
        let isSameError = (extended & 0xFF) == (result & 0xFF)
        self.init(
            code: SQLiteResultCode(rawValue: isSameError ? extended : result),
            message: String(cString: isSameError ? sqlite3_errmsg(handle) : sqlite3_errstr(result)),
            sql: sql,
            systemErrorNumber: sqlite3_system_errno(handle))
    }

    var description: String {
        var text = "SQLite error \(code.rawValue): \(message)"
        if systemErrorNumber != 0 { text += " (errno \(systemErrorNumber))" }
        if let sql { text += " - while executing `\(sql)`" }
        return text
    }
}
