import CSQLite

/// A prepared statement, lent by `Connection.withStatement`. It is good only inside that closure.
///
/// The connection resets it and clears its bindings on every way out, because a SELECT that is not reset
/// keeps its SHARED lock: on a shared volume that blocks the writers of every host.
final class Statement {
    let sql: String
    private let handle: OpaquePointer
    private let database: OpaquePointer
    /// True while a closure holds it: use outside of the loan is a programming error and stops the program.
    private(set) var isLent = false

    /// Compiles exactly one statement.
    /// - Throws: `SQLiteError`; `misuse` for an empty text or one with more than one statement.
    init(sql: String, on database: OpaquePointer) throws(SQLiteError) {
        var compiled: OpaquePointer?
        var rest: Substring.UTF8View = ""[...].utf8
        var text = sql
        let result = text.withUTF8 { bytes -> Int32 in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                var tail: UnsafePointer<CChar>?
                // PERSISTENT: the statement will be kept for long, so it must not use up lookaside memory.
                let result = sqlite3_prepare_v3(
                    database, characters.baseAddress, Int32(characters.count),
                    UInt32(SQLITE_PREPARE_PERSISTENT),
                    &compiled, &tail)
                if let tail, let start = characters.baseAddress {
                    rest = sql.utf8.dropFirst(tail - start)
                }
                return result
            }
        }
        guard result == SQLITE_OK else { throw SQLiteError(result, on: database, sql: sql) }
        guard let compiled, rest.allSatisfy({ $0 == 0x20 || $0 == 0x0A || $0 == 0x3B }) else {
            sqlite3_finalize(compiled)
            throw SQLiteError(code: .misuse, message: "expected exactly one statement", sql: sql)
        }
        self.sql = sql
        self.handle = compiled
        self.database = database
    }

    deinit { sqlite3_finalize(handle) }

    // MARK: Loan

    func lend() {
        precondition(!isLent, "statement lent twice")
        isLent = true
    }

    /// Ends the loan. The result of `sqlite3_reset` repeats the error of the last step, which was thrown
    /// already.
    func takeBack() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
        isLent = false
    }

    // MARK: In

    /// Binds the placeholders from the first to the last, by copy.
    /// - Throws: `SQLiteError`; `misuse` when the number of values is not the number of placeholders.
    func bind(_ values: [SQLiteValue]) throws(SQLiteError) {
        precondition(isLent, "statement used outside of its loan")
        guard values.count == Int(sqlite3_bind_parameter_count(handle)) else {
            throw SQLiteError(code: .misuse, message: "wrong number of bound values", sql: sql)
        }
        for (index, value) in values.enumerated() {
            let result = bind(value, at: Int32(index + 1))
            guard result == SQLITE_OK else { throw SQLiteError(result, on: database, sql: sql) }
        }
    }

    private func bind(_ value: SQLiteValue, at index: Int32) -> Int32 {
        switch value {
        case .null:
            return sqlite3_bind_null(handle, index)
        case .integer(let number):
            return sqlite3_bind_int64(handle, index, number)
        case .real(let number):
            return sqlite3_bind_double(handle, index, number)
        case .text(var text):
            // The length is given in bytes, so embedded NULs survive.
            return text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    sqlite3_bind_text64(
                        handle, index, characters.baseAddress, sqlite3_uint64(characters.count),
                        stoa_sqlite3_transient(), UInt8(SQLITE_UTF8))
                }
            }
        case .blob(let bytes):
            // > If the third parameter to sqlite3_bind_blob() is a NULL pointer then the result is NULL.
            // An empty array may have no address; an empty blob is not NULL.
            if bytes.isEmpty { return sqlite3_bind_zeroblob(handle, index, 0) }
            return bytes.withUnsafeBytes { raw in
                sqlite3_bind_blob64(
                    handle, index, raw.baseAddress, sqlite3_uint64(raw.count), stoa_sqlite3_transient())
            }
        }
    }

    // MARK: Run

    /// Runs to the next row; false at the end.
    /// - Throws: `SQLiteError` with the extended code.
    func step() throws(SQLiteError) -> Bool {
        precondition(isLent, "statement used outside of its loan")
        let result = sqlite3_step(handle)
        switch result {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default: throw SQLiteError(result, on: database, sql: sql)
        }
    }

    // MARK: Out

    var columnCount: Int { Int(sqlite3_column_count(handle)) }

    func isNull(_ column: Int) -> Bool { sqlite3_column_type(handle, Int32(column)) == SQLITE_NULL }

    /// The value as SQLite holds it, without conversion.
    func value(_ column: Int) throws(SQLiteError) -> SQLiteValue {
        switch sqlite3_column_type(handle, Int32(column)) {
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(handle, Int32(column)))
        case SQLITE_FLOAT: return .real(sqlite3_column_double(handle, Int32(column)))
        case SQLITE_TEXT: return .text(try text(column))
        case SQLITE_BLOB: return .blob(try blob(column))
        default: return .null
        }
    }

    /// - Throws: `mismatch` if the column does not hold an integer: a damaged file must not become wrong
    ///   numbers.
    func int64(_ column: Int) throws(SQLiteError) -> Int64 {
        try expect(SQLITE_INTEGER, column)
        return sqlite3_column_int64(handle, Int32(column))
    }

    func int(_ column: Int) throws(SQLiteError) -> Int { Int(try int64(column)) }
    func flag(_ column: Int) throws(SQLiteError) -> Bool { try int64(column) != 0 }

    func double(_ column: Int) throws(SQLiteError) -> Double {
        try expect(SQLITE_FLOAT, column)
        return sqlite3_column_double(handle, Int32(column))
    }

    /// Read by byte count, never as a C string: text may hold NULs.
    func text(_ column: Int) throws(SQLiteError) -> String {
        try expect(SQLITE_TEXT, column)
        // > The safest policy is to invoke sqlite3_column_text() followed by sqlite3_column_bytes().
        guard let start = sqlite3_column_text(handle, Int32(column)) else {
            throw SQLiteError(code: .outOfMemory, message: "out of memory", sql: sql)
        }
        let count = Int(sqlite3_column_bytes(handle, Int32(column)))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func blob(_ column: Int) throws(SQLiteError) -> [UInt8] {
        try expect(SQLITE_BLOB, column)
        // > The return value from sqlite3_column_blob() for a zero-length BLOB is a NULL pointer.
        let start = sqlite3_column_blob(handle, Int32(column))
        let count = Int(sqlite3_column_bytes(handle, Int32(column)))
        return [UInt8](UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : count))
    }

    func int64IfAny(_ column: Int) throws(SQLiteError) -> Int64? { isNull(column) ? nil : try int64(column) }
    func intIfAny(_ column: Int) throws(SQLiteError) -> Int? { isNull(column) ? nil : try int(column) }
    func textIfAny(_ column: Int) throws(SQLiteError) -> String? { isNull(column) ? nil : try text(column) }

    private func expect(_ type: Int32, _ column: Int) throws(SQLiteError) {
        precondition(isLent, "statement used outside of its loan")
        let found = sqlite3_column_type(handle, Int32(column))
        guard found == type else {
            throw SQLiteError(
                code: .mismatch, message: "column \(column) holds type \(found), expected \(type)", sql: sql)
        }
    }
}
