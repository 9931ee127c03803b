import ChatTesting

/// SQLite in another process: inside one process it settles its locks without asking the file system.
final class OtherProcess {
    private let process: ChildProcess

    /// Understands one SQL statement a line and answers `ok` or the error's name.
    init(_ path: String) throws {
        process = try ChildProcess([
            "python3", "-u", "-c",
            """
            import sqlite3, sys
            db = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
            print("ready")
            for line in sys.stdin:
                try:
                    db.execute(line).fetchall()
                    print("ok")
                except sqlite3.Error as error:
                    print("busy" if "locked" in str(error) else repr(error))
            """, path,
        ])
        _ = process.answer()
    }

    func run(_ sql: String) throws -> String {
        try process.send(sql)
        return process.answer() ?? "gone"
    }

    /// True if nobody holds a lock of any kind on the database.
    func findsNoLock() throws -> Bool {
        guard try run("BEGIN EXCLUSIVE") == "ok" else { return false }
        return try run("ROLLBACK") == "ok"
    }
}
