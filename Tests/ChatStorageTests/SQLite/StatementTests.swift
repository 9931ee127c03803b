import Testing

@testable import ChatStorage

// One after another: they block a thread of the test pool, which has few.
@Suite("Statements", .serialized)
struct StatementTests {
    private let folder: TemporaryFolder
    private let connection: Connection

    init() throws {
        folder = try TemporaryFolder()
        connection = try folder.connect()
        try connection.run("CREATE TABLE t (number INTEGER PRIMARY KEY, value ANY) STRICT")
    }

    private func roundTrip(_ value: SQLiteValue) throws -> SQLiteValue? {
        try connection.run("DELETE FROM t")
        try connection.run("INSERT INTO t (value) VALUES (?)", [value])
        return try connection.first("SELECT value FROM t") { row throws(SQLiteError) in try row.value(0) }
    }

    @Test(
        "every type comes back as it went in, at its limits",
        arguments: [
            .null, .integer(Int64.max), .integer(Int64.min), .integer(0 as Int64), .integer(1 << 40 as Int64),
            .real(.greatestFiniteMagnitude), .real(-.leastNonzeroMagnitude), .real(.infinity), .real(0.1),
            .text(""), .text("a\u{0}b\u{0}"), .text("Ωλ 👩‍👩‍👧 e\u{301}"),
            .blob([]), .blob([0]), .blob([0, 1, 0, 255]),
        ] as [SQLiteValue])
    func everyTypeSurvives(value: SQLiteValue) throws {
        #expect(try roundTrip(value) == value)
    }

    @Test("a long text and a long blob come back as they went in")
    func longValuesSurvive() throws {
        let long = [
            SQLiteValue.text(String(repeating: "ß", count: 100_000)),
            .blob([UInt8](repeating: 0, count: 1_000_000)),
        ]
        for value in long { #expect(try roundTrip(value) == value) }
    }

    @Test("an empty text and an empty blob are not NULL")
    func emptyIsNotNull() throws {
        for value in [SQLiteValue.text(""), .blob([])] {
            _ = try roundTrip(value)
            let isNull = try connection.first("SELECT value IS NULL FROM t") { row throws(SQLiteError) in
                try row.flag(0)
            }
            #expect(isNull == false)
        }
    }

    @Test("NaN becomes NULL, which SQLite has no other word for")
    func nanIsNull() throws {
        #expect(try roundTrip(.real(.nan)) == .null)
    }

    @Test("a column of another type is an error and not a wrong value")
    func typesAreChecked() throws {
        _ = try roundTrip(.text("12"))
        #expect(throws: SQLiteError.self) {
            try connection.first("SELECT value FROM t") { row throws(SQLiteError) in try row.int64(0) }
        }
        _ = try roundTrip(.null)
        let error = #expect(throws: SQLiteError.self) {
            try connection.first("SELECT value FROM t") { row throws(SQLiteError) in try row.text(0) }
        }
        #expect(error?.code == .mismatch)
        #expect(
            try connection.first("SELECT value FROM t") { row throws(SQLiteError) in try row.textIfAny(0) }
                == .some(nil))
    }

    @Test("the number of bound values must be the number of placeholders")
    func bindingsAreCounted() throws {
        for values in [[], [.integer(1 as Int64), .integer(2 as Int64)]] as [[SQLiteValue]] {
            let error = #expect(throws: SQLiteError.self) {
                try connection.run("INSERT INTO t (value) VALUES (?)", values)
            }
            #expect(error?.code == .misuse)
        }
    }

    @Test("one statement a text: a second one, a comment in its place and an empty text are refused")
    func oneStatement() throws {
        for sql in ["SELECT 1; SELECT 2", "", " "] {
            let error = #expect(throws: SQLiteError.self) { try connection.run(sql) }
            #expect(error?.code == .misuse)
        }
        try connection.run("SELECT 1;\n ")
    }

    @Test("bindings are cleared between two uses of one statement")
    func bindingsAreCleared() throws {
        let sql = "INSERT INTO t (value) VALUES (?)"
        try connection.run(sql, ["secret"])
        try connection.withStatement(sql) { statement throws(SQLiteError) in _ = try statement.step() }
        let values = try connection.rows("SELECT value FROM t ORDER BY number") { row throws(SQLiteError) in
            try row.value(0)
        }
        #expect(values == [.text("secret"), .null])
    }

    @Test("the same SQL inside its own loan gets a second statement")
    func nestedLoans() throws {
        try connection.run("INSERT INTO t (value) VALUES (1), (2), (3)")
        var pairs = 0
        try connection.query("SELECT value FROM t") { _ throws(SQLiteError) in
            try connection.query("SELECT value FROM t") { _ throws(SQLiteError) in pairs += 1 }
        }
        #expect(pairs == 9)
        try connection.close()
    }

    @Test("a statement is reset, and its lock given up, after an early return, an error and a cancellation")
    func lockIsGivenUp() async throws {
        try connection.run("INSERT INTO t (value) VALUES (1), (2), (3)")
        let other = try OtherProcess(folder.path + "/test.db")
        _ = try connection.first("SELECT value FROM t") { row throws(SQLiteError) in
            // The first row of three: the SELECT is open, and seen to be so from outside.
            #expect(try! other.findsNoLock() == false)
        }
        #expect(try other.findsNoLock())
        #expect(throws: SQLiteError.self) {
            try connection.query("SELECT value FROM t") { row throws(SQLiteError) in _ = try row.text(0) }
        }
        #expect(try other.findsNoLock())
        #expect(throws: CancellationError.self) {
            try connection.transaction(.deferred) {
                _ = try connection.first("SELECT value FROM t") { row throws(SQLiteError) in try row.int(0) }
                throw CancellationError()
            }
        }
        #expect(try other.findsNoLock())
    }
}
