import CSQLite

/// A result code of SQLite, primary (`SQLITE_BUSY`) or extended (`SQLITE_BUSY_SNAPSHOT`).
///
/// An extended code carries its primary code in the low eight bits, so a pattern with a primary code matches
/// all of its extended ones: `case .busy:` catches `SQLITE_BUSY_RECOVERY` too.
struct SQLiteResultCode: RawRepresentable, Hashable, Sendable {
    let rawValue: Int32

    init(rawValue: Int32) { self.rawValue = rawValue }
    private init(_ rawValue: Int32) { self.rawValue = rawValue }

    /// The code without its extension.
    var primary: SQLiteResultCode { SQLiteResultCode(rawValue & 0xFF) }

    /// True if `code` equals `pattern`, or if `pattern` is a primary code and `code` one of its extended
    /// ones.
    static func ~= (pattern: SQLiteResultCode, code: SQLiteResultCode) -> Bool {
        pattern.rawValue > 0xFF ? pattern == code : pattern == code.primary
    }

    static let ok = SQLiteResultCode(SQLITE_OK)
    static let row = SQLiteResultCode(SQLITE_ROW)
    static let done = SQLiteResultCode(SQLITE_DONE)

    static let error = SQLiteResultCode(SQLITE_ERROR)
    static let internalFault = SQLiteResultCode(SQLITE_INTERNAL)
    static let permission = SQLiteResultCode(SQLITE_PERM)
    static let abort = SQLiteResultCode(SQLITE_ABORT)
    static let busy = SQLiteResultCode(SQLITE_BUSY)
    static let locked = SQLiteResultCode(SQLITE_LOCKED)
    static let outOfMemory = SQLiteResultCode(SQLITE_NOMEM)
    static let readOnly = SQLiteResultCode(SQLITE_READONLY)
    static let interrupt = SQLiteResultCode(SQLITE_INTERRUPT)
    static let ioError = SQLiteResultCode(SQLITE_IOERR)
    static let corrupt = SQLiteResultCode(SQLITE_CORRUPT)
    static let full = SQLiteResultCode(SQLITE_FULL)
    static let cannotOpen = SQLiteResultCode(SQLITE_CANTOPEN)
    static let lockProtocol = SQLiteResultCode(SQLITE_PROTOCOL)
    static let schemaChanged = SQLiteResultCode(SQLITE_SCHEMA)
    static let tooBig = SQLiteResultCode(SQLITE_TOOBIG)
    static let constraint = SQLiteResultCode(SQLITE_CONSTRAINT)
    static let mismatch = SQLiteResultCode(SQLITE_MISMATCH)
    static let misuse = SQLiteResultCode(SQLITE_MISUSE)
    static let noLargeFiles = SQLiteResultCode(SQLITE_NOLFS)
    static let notADatabase = SQLiteResultCode(SQLITE_NOTADB)

    // Extended codes are macros with arithmetic, which Swift does not import: base | (extension << 8).
    static let constraintUnique = SQLiteResultCode(SQLITE_CONSTRAINT | (8 << 8))
    static let constraintPrimaryKey = SQLiteResultCode(SQLITE_CONSTRAINT | (6 << 8))
    static let ioErrorLock = SQLiteResultCode(SQLITE_IOERR | (15 << 8))
    static let ioErrorShortRead = SQLiteResultCode(SQLITE_IOERR | (2 << 8))
}
