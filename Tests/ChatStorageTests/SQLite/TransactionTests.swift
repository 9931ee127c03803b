import Foundation
import Synchronization
import Testing

@testable import ChatStorage

#if canImport(Glibc)
    import Glibc
#endif

// One after another: they block a thread of the test pool, which has few.
@Suite("Transactions", .serialized)
struct TransactionTests {
    private struct Stop: Error {}

    private let folder: TemporaryFolder
    private let connection: Connection

    init() throws {
        folder = try TemporaryFolder()
        connection = try folder.connect()
        try connection.run("CREATE TABLE t (value TEXT NOT NULL) STRICT")
        try connection.run("INSERT INTO t VALUES ('before')")
    }

    private var path: String { folder.path + "/test.db" }

    private func count(_ connection: Connection) throws -> Int? {
        try connection.first("SELECT count(*) FROM t") { row throws(SQLiteError) in try row.int(0) }
    }

    /// What a process that comes later finds.
    private func countAfterReopening() throws -> Int? { try count(try folder.connect(access: .readWrite)) }

    @Test("what a transaction did is kept when it returns and gone when it throws")
    func commitAndRollback() throws {
        try connection.transaction(.immediate) { _ = try connection.run("INSERT INTO t VALUES ('kept')") }
        #expect(throws: Stop.self) {
            try connection.transaction(.immediate) {
                try connection.run("INSERT INTO t VALUES ('gone')")
                throw Stop()
            }
        }
        #expect(!connection.isInTransaction)
        #expect(try countAfterReopening() == 2)
    }

    @Test("an error in a savepoint undoes only the savepoint")
    func savepoints() throws {
        try connection.begin(.immediate)
        try connection.savepoint { _ = try connection.run("INSERT INTO t VALUES ('one')") }
        #expect(throws: Stop.self) {
            try connection.savepoint {
                try connection.run("INSERT INTO t VALUES ('two')")
                throw Stop()
            }
        }
        try connection.savepoint { _ = try connection.run("INSERT INTO t VALUES ('three')") }
        try connection.commit()
        #expect(try countAfterReopening() == 3)
    }

    @Test("BUSY at BEGIN: no transaction is open")
    func busyAtBegin() throws {
        let other = try OtherProcess(path)
        #expect(try other.run("BEGIN IMMEDIATE") == "ok")
        let error = #expect(throws: SQLiteError.self) { try connection.begin(.immediate) }
        #expect(error?.code.primary == .busy)
        #expect(!connection.isInTransaction)
        #expect(try other.run("ROLLBACK") == "ok")
        try connection.transaction(.immediate) {}
    }

    @Test("BUSY at COMMIT: the transaction is still open, and the commit succeeds once the reader has left")
    func busyAtCommit() throws {
        let other = try OtherProcess(path)
        #expect(try other.run("BEGIN") == "ok")
        #expect(try other.run("SELECT * FROM t") == "ok")
        try connection.begin(.immediate)
        try connection.run("INSERT INTO t VALUES ('after')")
        let error = #expect(throws: SQLiteError.self) { try connection.commit() }
        #expect(error?.code.primary == .busy)
        #expect(connection.isInTransaction)
        #expect(try other.run("COMMIT") == "ok")
        try connection.commit()
        #expect(try other.findsNoLock())
        #expect(try countAfterReopening() == 2)
    }

    @Test("FULL: nothing of the transaction is kept, whatever SQLite rolled back by itself")
    func full() throws {
        try connection.run("PRAGMA max_page_count = 4")
        let error = #expect(throws: SQLiteError.self) {
            try connection.transaction(.immediate) {
                _ = try connection.run(
                    "INSERT INTO t VALUES (?)", [.text(String(repeating: "x", count: 100_000))])
            }
        }
        #expect(error?.code.primary == .full)
        #expect(!connection.isInTransaction)
        #expect(try countAfterReopening() == 1)
    }

    #if os(Linux)
        @Test(
            "IOERR at COMMIT: the transaction is over, and the journal repairs the file at the next opening")
        func ioError() throws {
            let error = #expect(throws: SQLiteError.self) {
                try connection.transaction(.immediate) {
                    try connection.run("INSERT INTO t VALUES ('lost')")
                    // From here on the database's descriptor cannot be written (the journal's still can).
                    try breakDescriptor(of: path)
                }
            }
            #expect(error?.code.primary == .ioError)
            #expect(!connection.isInTransaction)
            try connection.close()
            #expect(try countAfterReopening() == 1)
        }

        /// Puts a descriptor that is open for reading only in the place of each one that this process has of
        /// `path`.
        private func breakDescriptor(of path: String) throws {
            let all = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
                Int32($0)
            }
            let victims = all.filter {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == path
            }
            try #require(!victims.isEmpty)
            for victim in victims {
                let reading = open(path, O_RDONLY)
                dup2(reading, victim)
                close(reading)
            }
        }
    #endif

    @Test("INTERRUPT from another thread ends a write and takes its whole transaction with it")
    func interrupt() throws {
        let handle = connection.interruptHandle
        let isDone = Atomic(false)
        let error = withExtendedLifetime(isDone) {
            let thread = Thread {
                // Again and again: an interrupt that comes before the statement runs has no effect.
                while !isDone.load(ordering: .sequentiallyConsistent) {
                    handle.interrupt()
                    usleep(1_000)
                }
            }
            thread.start()
            defer { isDone.store(true, ordering: .sequentiallyConsistent) }
            return #expect(throws: SQLiteError.self) {
                try connection.transaction(.immediate) {
                    try connection.run("INSERT INTO t VALUES ('also gone')")
                    try connection.run(
                        """
                        INSERT INTO t
                        WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 1000000000)
                        SELECT 'row' FROM c
                        """)
                }
            }
        }
        #expect(error?.code.primary == .interrupt)
        #expect(!connection.isInTransaction)
        #expect(try countAfterReopening() == 1)
    }

    @Test("interrupting a closed connection does nothing")
    func interruptAfterClose() throws {
        let handle = connection.interruptHandle
        try connection.close()
        handle.interrupt()
    }

    @Test("no lock is held after any call returns, whether it succeeded or failed")
    func noLockIsLeft() throws {
        let other = try OtherProcess(path)
        try connection.run("INSERT INTO t VALUES ('x')")
        #expect(try other.findsNoLock())
        _ = try count(connection)
        #expect(try other.findsNoLock())
        #expect(throws: SQLiteError.self) { try connection.run("INSERT INTO t VALUES (NULL)") }
        #expect(try other.findsNoLock())
        #expect(throws: SQLiteError.self) {
            try connection.transaction(.immediate) { _ = try connection.run("INSERT INTO t VALUES (NULL)") }
        }
        #expect(try other.findsNoLock())
        try connection.transaction(.deferred) { _ = try count(connection) }
        #expect(try other.findsNoLock())
    }
}
