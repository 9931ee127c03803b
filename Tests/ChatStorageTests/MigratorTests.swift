import ChatCore
import Foundation
import Testing

@testable import ChatStorage

@Suite("Migrations")
struct MigratorTests {
    private let folder: TemporaryFolder
    private let file: ShardFile

    init() throws {
        folder = try TemporaryFolder()
        file = ShardFile(0, of: 1, volume: folder.path)
    }

    private static func migration(_ name: String, _ sql: String) throws -> Migration {
        try Migration(file: name, bytes: Array(sql.utf8))
    }

    private static func steps() throws -> [Migration] {
        [
            try migration(
                "0001_a.sql", "CREATE TABLE a (n INTEGER PRIMARY KEY) STRICT; INSERT INTO a VALUES (1);"),
            try migration(
                "0002_b.sql",
                "CREATE TABLE b (n INTEGER REFERENCES a (n)) STRICT; INSERT INTO b VALUES (1);"),
        ]
    }

    private func migrate(
        _ migrations: [Migration], wait: Duration = .seconds(20), engine: any StorageEngine = PortableEngine()
    ) async throws -> [Int] {
        try await MigrationLane().migrate(
            Migrator(migrations: migrations, host: "test"), shard: file, engine: engine,
            until: .now + wait
        ).map(\.version)
    }

    private func status(
        _ migrations: [Migration], engine: any StorageEngine = PortableEngine()
    ) async throws -> SchemaStatus {
        try await MigrationLane().status(
            Migrator(migrations: migrations, host: "test"), shard: file, engine: engine,
            until: .now + .seconds(20))
    }

    private func change(_ sql: String) throws {
        try PortableEngine().open(path: file.path, access: .readWrite).runScript(sql)
    }

    private func change(_ sql: String, _ engine: any StorageEngine) async throws {
        let connection = try await engine.held(file.path)
        try connection.runScript(sql)
        try connection.close()
    }

    @Test("what is embedded is what lies in the folder, in order and byte by byte")
    func embeddedMatchesFolder() throws {
        let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../../migrations")
        let names = try FileManager.default.contentsOfDirectory(atPath: path.path).filter {
            $0.hasSuffix(".sql")
        }.sorted()
        #expect([Migration].embedded.map(\.name) == names)
        #expect([Migration].embedded.map(\.version) == Array((1...).prefix(names.count)))
        for migration in [Migration].embedded {
            let bytes = Array(try Data(contentsOf: path.appendingPathComponent(migration.name)))
            #expect(
                migration.checksum == SessionID(hash: SHA256.hash(bytes)).hexadecimal, "\(migration.name)")
        }
    }

    @Test(
        "a missing file is fresh and stays missing; migrating makes it current; again changes nothing",
        arguments: EngineUnderTest.allCases)
    func freshToCurrent(_ tested: EngineUnderTest) async throws {
        let engine = tested.engine
        let steps = try Self.steps()
        #expect(try await status(steps, engine: engine).state == .fresh)
        #expect(!FileManager.default.fileExists(atPath: file.path))
        #expect(try await migrate(steps, engine: engine) == [1, 2])
        let status = try await status(steps, engine: engine)
        #expect(status.state == .current)
        #expect(status.applied.map(\.name) == ["0001_a.sql", "0002_b.sql"])
        #expect(status.applied.allSatisfy { $0.host == "test" && $0.applied.milliseconds > 0 })
        #expect(try await migrate(steps, engine: engine) == [])
    }

    @Test("only what is missing is applied")
    func olderToCurrent() async throws {
        let steps = try Self.steps()
        #expect(try await migrate([steps[0]]) == [1])
        #expect(try await status(steps).state == .older)
        #expect(try await status(steps).pending.map(\.version) == [2])
        #expect(try await migrate(steps) == [2])
    }

    @Test("a schema from a newer program is refused with a sentence and left as it is")
    func newer() async throws {
        let steps = try Self.steps()
        _ = try await migrate(steps)
        #expect(try await status([steps[0]]).state == .newer)
        let error = await #expect(throws: ChatError.self) { try await migrate([steps[0]]) }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("newer than this program") == true)
        #expect(error?.cause?.contains("shard 00") == true)
        #expect(try await status(steps).state == .current)
    }

    @Test(
        "drift is refused and named: a changed file, a renamed one, a gap, a foreign version, foreign tables")
    func drift() async throws {
        let steps = try Self.steps()
        _ = try await migrate(steps)
        let changed = [try Self.migration("0001_a.sql", "SELECT 2"), steps[1]]
        let error = await #expect(throws: ChatError.self) { try await migrate(changed) }
        #expect(error?.cause?.contains("0001_a.sql") == true && error?.cause?.contains("shard 00") == true)
        let renamed = [steps[0], try Self.migration("0002_c.sql", steps[1].sql)]
        #expect(
            try await status(renamed).state == .drifted("migration 2 is 0002_b.sql there and 0002_c.sql here")
        )
        try change("PRAGMA user_version = 7")
        #expect(try await status(steps).state == .drifted("user_version is 7 after 2 migrations"))
        try change("PRAGMA user_version = 2; DELETE FROM schema_migration WHERE version = 1")
        #expect(try await status(steps).state == .drifted("migration 1 is missing from its history"))
        try change("DROP TABLE schema_migration")
        guard case .drifted = try await status(steps).state else {
            Issue.record("foreign tables were taken for a fresh shard")
            return
        }
    }

    @Test(
        "a failing migration is named and leaves the shard as it was",
        arguments: [
            "CREATE TABLE c (n INTEGER) STRICT; INSERT INTO nowhere VALUES (1);",
            "CREATE TABLE c (n INTEGER) STRICT; COMMIT;",
            "DELETE FROM a; -- leaves b without its parent",
        ])
    func failing(sql: String) async throws {
        let steps = try Self.steps()
        _ = try await migrate(steps)
        let bad = steps + [try Self.migration("0003_bad.sql", sql)]
        let error = await #expect(throws: ChatError.self) { try await migrate(bad) }
        #expect(error?.message.contains("0003_bad.sql") == true)
        #expect(try await status(steps).state == .current)
        let tables = try PortableEngine().open(path: file.path, access: .readWrite).rows(
            "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
        ) { row throws(SQLiteError) in try row.text(0) }
        #expect(tables == ["a", "b", "schema_migration"])
    }

    @Test("nobody sees a fresh shard half-way: it gets all migrations at once, or none")
    func freshIsWhole() async throws {
        let bad = [try Self.steps()[0], try Self.migration("0002_bad.sql", "INSERT INTO nowhere VALUES (1)")]
        let error = await #expect(throws: ChatError.self) { try await migrate(bad) }
        #expect(error?.message.contains("0002_bad.sql") == true)
        #expect(try await status(bad).state == .fresh)
    }

    @Test(
        "of eight that start at once exactly one applies each migration, and all end with the current schema",
        arguments: EngineUnderTest.allCases)
    func oneMigrates(_ tested: EngineUnderTest) async throws {
        let engine = tested.engine
        let steps = try Self.steps()
        let applied = try await withThrowingTaskGroup(of: [Int].self) { group in
            for _ in 0..<8 { group.addTask { try await migrate(steps, engine: engine) } }
            return try await group.reduce(into: [Int]()) { $0 += $1 }
        }
        #expect(applied.sorted() == [1, 2])
        #expect(try await status(steps, engine: engine).state == .current)
    }

    @Test("a migrator waits for another process, and gives up at its deadline as busy")
    func deadline() async throws {
        let steps = try Self.steps()
        _ = try await migrate([steps[0]])
        let other = try OtherProcess(file.path)
        #expect(try other.run("BEGIN IMMEDIATE") == "ok")
        let error = await #expect(throws: ChatError.self) {
            try await migrate(steps, wait: .milliseconds(300))
        }
        #expect(error?.code == .busy)
        let waiting = Task { try await migrate(steps) }
        try await Task.sleep(for: .milliseconds(100))
        #expect(try other.run("ROLLBACK") == "ok")
        #expect(try await waiting.value == [2])
    }

    @Test(
        "a store refuses a shard that is not current and names the command; once migrated, it serves",
        arguments: EngineUnderTest.allCases)
    func storeRefuses(_ tested: EngineUnderTest) async throws {
        let engine = tested.engine
        let store = SQLiteSessionStore(
            folder: folder.path, shardCount: 1, engine: engine, logger: .silent)
        let session = Session(id: SessionKey().sessionID, created: .now())
        let missing = await #expect(throws: ChatError.self) { try await store.createSession(session) }
        #expect(missing?.code == .unavailable)
        #expect(missing?.message.contains("stoa migrate up") == true)
        try await SQLiteSessionStore.migrate(folder: folder.path, shardCount: 1, engine: engine)
        #expect(try await store.createSession(session).id == session.id)

        // Another task, of a newer program, migrates while this one runs: it must notice.
        try await change(
            """
            CREATE TABLE later (n INTEGER) STRICT;
            INSERT INTO schema_migration (version, name, checksum, applied_ms, host, duration_ms)
            VALUES (\([Migration].embedded.count + 1), 'later.sql', '', 0, '', 0);
            PRAGMA user_version = \([Migration].embedded.count + 1);
            """, engine)
        let newer = await #expect(throws: ChatError.self) { try await store.session(session.id) }
        #expect(newer?.message.contains("newer") == true)
        await store.close()
    }
}
