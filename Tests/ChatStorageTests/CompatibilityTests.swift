import ChatCore
import ChatTesting
import Foundation
import Testing

@testable import ChatStorage

/// A rolling deploy over a change of the schema: programs of two releases on one shard.
@Suite("Migrations that older programs can live with")
struct CompatibilityTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// The embedded migrations and one more, which says who can live with it.
    private static func next(_ header: String) throws -> [Migration] {
        let number = [Migration].embedded.count + 1
        let sql = "\(header)\nCREATE TABLE label (n INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;\n"
        return [Migration].embedded + [
            try Migration(file: "000\(number)_labels.sql", bytes: Array(sql.utf8))
        ]
    }

    private func migrate(_ engine: any StorageEngine, _ migrations: [Migration]) async throws {
        try await SQLiteSessionStore.migrate(
            folder: folder.path, shardCount: 1, engine: engine, migrations: migrations)
    }

    private func store(_ engine: any StorageEngine) -> SQLiteSessionStore {
        SQLiteSessionStore(folder: folder.path, shardCount: 1, engine: engine, logger: .silent)
    }

    @Test(
        "what a migration says of older programs is read from the comments on top of its file",
        arguments: [
            ("", 7, 7), ("-- min_reader: 5\n-- min_writer: 6\n", 5, 6),
            ("-- why\n\n-- min_writer: 4\n", 4, 4),
            ("SELECT 1;\n-- min_writer: 4\n", 7, 7),
        ])
    func declaration(header: String, reader: Int, writer: Int) throws {
        let migration = try Migration(file: "0007_x.sql", bytes: Array("\(header)SELECT 1;".utf8))
        #expect(migration.minReader == reader)
        #expect(migration.minWriter == writer)
    }

    @Test(
        "what makes no sense is refused",
        arguments: ["-- min_reader: 6\n-- min_writer: 5", "-- min_writer: 8", "-- min_reader: soon"])
    func senseless(header: String) {
        #expect(throws: ChatError.self) { try Migration(file: "0007_x.sql", bytes: Array(header.utf8)) }
    }

    @Test(
        "a program that serves goes on reading and writing while a newer one expands the schema",
        arguments: EngineUnderTest.allCases)
    func expand(_ tested: EngineUnderTest) async throws {
        let known = [Migration].embedded.count
        try await migrate(tested.engine, .embedded)
        let store = store(tested.engine)
        let session = Session(id: SessionKey().sessionID, created: .now())
        _ = try await store.createSession(session)
        try await migrate(tested.engine, try Self.next("-- min_reader: \(known)\n-- min_writer: \(known)"))
        _ = try await store.createSession(Session(id: SessionKey().sessionID, created: .now()))
        #expect(try await store.session(session.id) == session)
        await store.close()
        // So does one that starts only now.
        let later = self.store(tested.engine)
        #expect(try await later.session(session.id) == session)
        await later.close()
        let status = try await SQLiteSessionStore.schemaStatus(
            folder: folder.path, shardCount: 1, engine: tested.engine)
        #expect(status.map(\.state) == [.ahead(isWritable: true)])
    }

    @Test(
        "one that may only read answers reads, and refuses writes in words",
        arguments: EngineUnderTest.allCases)
    func readOnly(_ tested: EngineUnderTest) async throws {
        let known = [Migration].embedded.count
        try await migrate(tested.engine, .embedded)
        let store = store(tested.engine)
        let session = Session(id: SessionKey().sessionID, created: .now())
        _ = try await store.createSession(session)
        try await migrate(
            tested.engine, try Self.next("-- min_reader: \(known)\n-- min_writer: \(known + 1)"))
        #expect(try await store.session(session.id) == session)
        let error = await expectError(.unavailable) {
            try await store.createSession(Session(id: SessionKey().sessionID, created: .now()))
        }
        #expect(error?.message.contains("not write") == true)
        #expect(try await store.session(session.id) == session)
        await store.close()
    }

    @Test("a history from before these columns is brought up when it is next written to")
    func oldHistory() async throws {
        let engine = VolumeEngine()
        let file = ShardFile(0, of: 1, volume: folder.path)
        try await migrate(engine, .embedded)
        let connection = try await engine.held(file.path)
        try connection.runScript(
            """
            ALTER TABLE schema_migration DROP COLUMN min_reader;
            ALTER TABLE schema_migration DROP COLUMN min_writer;
            """)
        try connection.close()
        try await migrate(engine, try Self.next("-- min_writer: 1"))
        let status = try await SQLiteSessionStore.schemaStatus(
            folder: folder.path, shardCount: 1, engine: engine)
        #expect(status[0].state == .ahead(isWritable: true))
        #expect(status[0].applied.map(\.minWriter) == Array(1...[Migration].embedded.count) + [1])
    }
}
