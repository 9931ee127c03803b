import ChatCore
import ChatTesting
import Logging
import Testing

@testable import ChatStorage

@Suite("SQLiteSessionStore")
struct SQLiteSessionStoreTests {
    @Test(
        "keeps the contract, with two tasks on one volume", arguments: SessionStoreSuite.clauses,
        EngineUnderTest.allCases)
    func contract(_ clause: SessionStoreSuite.Clause, _ tested: EngineUnderTest) async throws {
        let engine = tested.engine
        let volume = try TemporaryVolume()
        try await SQLiteSessionStore.migrate(folder: volume.folder, shardCount: 2, engine: engine)
        try await SessionStoreSuite(isShared: true) {
            SQLiteSessionStore(
                folder: volume.folder, shardCount: 2, engine: engine, logger: Logger(label: "test"))
        }.check(clause)
        for shard in ["00", "01"] {
            let connection = try await engine.held("\(volume.folder)/shards/\(shard)/sessions.db")
            #expect(try connection.pragma("integrity_check") == "ok")
            #expect(try connection.pragma("foreign_key_check") == nil)
        }
    }

    @Test(
        "keeps the limits on the number of things", .enabled(if: SessionStoreSuite.isThorough),
        arguments: SessionStoreSuite.limitClauses, EngineUnderTest.allCases)
    func limits(_ clause: SessionStoreSuite.Clause, _ tested: EngineUnderTest) async throws {
        let engine = tested.engine
        let volume = try TemporaryVolume()
        try await SQLiteSessionStore.migrate(folder: volume.folder, shardCount: 1, engine: engine)
        try await SessionStoreSuite(isShared: true) {
            SQLiteSessionStore(
                folder: volume.folder, shardCount: 1, engine: engine, logger: Logger(label: "test"))
        }.check(clause)
    }
}
