import ChatCore
import ChatTesting
import Logging
import Testing

@testable import ChatStorage

@Suite("SQLiteSessionStore")
struct SQLiteSessionStoreTests {
    @Test("keeps the contract, with two tasks on one volume", arguments: SessionStoreSuite.clauses)
    func contract(_ clause: SessionStoreSuite.Clause) async throws {
        let volume = try TemporaryVolume()
        try await SQLiteSessionStore.migrate(folder: volume.folder, shardCount: 2, engine: PortableEngine())
        try await SessionStoreSuite(isShared: true) {
            SQLiteSessionStore(
                folder: volume.folder, shardCount: 2, engine: PortableEngine(), logger: Logger(label: "test"))
        }.check(clause)
        for shard in ["00", "01"] {
            let connection = try PortableEngine().open(
                path: "\(volume.folder)/shards/\(shard)/sessions.db", access: .readWrite)
            #expect(try connection.pragma("integrity_check") == "ok")
            #expect(try connection.pragma("foreign_key_check") == nil)
        }
    }

    @Test(
        "keeps the limits on the number of things", .enabled(if: SessionStoreSuite.isThorough),
        arguments: SessionStoreSuite.limitClauses)
    func limits(_ clause: SessionStoreSuite.Clause) async throws {
        let volume = try TemporaryVolume()
        try await SQLiteSessionStore.migrate(folder: volume.folder, shardCount: 1, engine: PortableEngine())
        try await SessionStoreSuite(isShared: true) {
            SQLiteSessionStore(
                folder: volume.folder, shardCount: 1, engine: PortableEngine(), logger: Logger(label: "test"))
        }.check(clause)
    }
}
