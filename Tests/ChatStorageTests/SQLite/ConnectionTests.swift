import CSQLite
import Foundation
import Testing

@testable import ChatStorage

// One after another: they block a thread of the test pool, which has few.
@Suite("Connections", .serialized)
struct ConnectionTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private var path: String { folder.path + "/test.db" }

    @Test("every setting is in force, read back one by one")
    func settings() throws {
        let connection = try folder.connect()
        for setting in Pragmas(journalMode: "PERSIST").settings(cacheKibibytes: 4096) {
            #expect(try connection.pragma(setting.name) == setting.reads, "\(setting.name)")
        }
        #expect(try connection.pragma("journal_mode") == "persist")
        #expect(connection.vfsName == "unix")
        #expect(sqlite3_db_readonly(connection.handle, "main") == 0)
    }

    @Test("a setting that does not take effect fails the opening")
    func refusedSetting() throws {
        // A database in memory can have no other journal than one in memory.
        let error = #expect(throws: SQLiteError.self) {
            _ = try Connection(
                OpenOptions(path: path, access: .create), pragmas: Pragmas(journalMode: "SIDEWAYS"))
        }
        #expect(error?.code == .misuse)
        #expect(error?.message.contains("journal_mode") == true)
    }

    @Test("the named VFS serves the file", arguments: ["unix", "unix-excl", "unix-dotfile"])
    func namedVFS(name: String) throws {
        let connection = try Connection(OpenOptions(path: path, vfs: name, access: .create))
        #expect(connection.vfsName == name)
    }

    @Test("an unknown VFS, a relative path, a URI and a missing file are refused")
    func refusedOpenings() throws {
        for options in [
            OpenOptions(path: path, vfs: "nobody", access: .create),
            OpenOptions(path: "test.db", access: .create),
            OpenOptions(path: "file:\(path)?vfs=unix-none", access: .create),
            OpenOptions(path: path, access: .readWrite),
        ] {
            #expect(throws: SQLiteError.self) { _ = try Connection(options) }
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("a file that cannot be written is refused, not opened for reading")
    func readOnlyFile() throws {
        try folder.connect().run(
            "CREATE TABLE t (a) STRICT".replacingOccurrences(of: "(a)", with: "(a INTEGER)"))
        let reader = try Connection(OpenOptions(path: path, access: .readOnly))
        #expect(sqlite3_db_readonly(reader.handle, "main") == 1)
        let error = #expect(throws: SQLiteError.self) { try reader.run("INSERT INTO t VALUES (1)") }
        #expect(error?.code.primary == .readOnly)
    }

    @Test("errors carry the extended code, SQLite's sentence and the SQL, but no bound value")
    func errors() throws {
        let connection = try folder.connect()
        try connection.run("CREATE TABLE t (a TEXT NOT NULL UNIQUE) STRICT")
        try connection.run("INSERT INTO t VALUES (?)", ["secret"])
        let error = try #require(
            throws: SQLiteError.self,
            performing: { try connection.run("INSERT INTO t VALUES (?)", ["secret"]) })
        // The next call on the connection succeeds and overwrites its last error.
        try connection.run("SELECT 1")
        #expect(error.code == .constraintUnique)
        #expect(error.message == "UNIQUE constraint failed: t.a")
        #expect(error.sql == "INSERT INTO t VALUES (?)")
        #expect(!"\(error)".contains("secret"))
    }

    @Test("a primary code matches its extended codes, an extended one only itself")
    func codePatterns() {
        #expect(SQLiteResultCode.constraint ~= .constraintUnique)
        #expect(!(SQLiteResultCode.constraintUnique ~= .constraint))
        #expect(!(SQLiteResultCode.constraintUnique ~= .constraintPrimaryKey))
        #expect(!(SQLiteResultCode.busy ~= .constraintUnique))
    }

    @Test("closing with a live statement is reported with its SQL, and possible afterwards")
    func closeWithLiveStatement() throws {
        let connection = try folder.connect()
        try connection.withStatement("SELECT 1 + 1") { statement throws(SQLiteError) in
            _ = try statement.step()
            let error = #expect(throws: SQLiteError.self) { try connection.close() }
            #expect(error?.code == .busy)
            #expect(error?.sql == "SELECT 1 + 1")
        }
        try connection.close()
        try connection.close()
    }

    @Test("a connection that is forgotten closes its file")
    func deinitCloses() throws {
        func openFiles() throws -> Int {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)"))?
                    .hasPrefix(path) == true
            }.count
        }
        var connection: Connection? = try folder.connect()
        try connection?.run("CREATE TABLE t (a INTEGER) STRICT")
        #expect(try openFiles() >= 1)
        connection = nil
        #expect(try openFiles() == 0)
    }

    @Test("a foreign key is enforced, a string in double quotes is not taken for a string")
    func strictness() throws {
        let connection = try folder.connect()
        try connection.runScript(
            """
            CREATE TABLE a (n INTEGER PRIMARY KEY) STRICT;
            CREATE TABLE b (a INTEGER REFERENCES a (n)) STRICT;
            """
        )
        #expect(throws: SQLiteError.self) { try connection.run("INSERT INTO b VALUES (1)") }
        #expect(throws: SQLiteError.self) { try connection.run("SELECT \"nothing\"") }
    }
}
