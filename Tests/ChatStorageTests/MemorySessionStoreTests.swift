import ChatCore
import ChatTesting
import Testing

@Suite("MemorySessionStore, the reference")
struct MemorySessionStoreTests {
    @Test("keeps the contract", arguments: SessionStoreSuite.clauses)
    func contract(_ clause: SessionStoreSuite.Clause) async throws {
        try await SessionStoreSuite(isShared: false) { MemorySessionStore() }.check(clause)
    }

    @Test(
        "keeps the limits", .enabled(if: SessionStoreSuite.isThorough),
        arguments: SessionStoreSuite.limitClauses)
    func limits(_ clause: SessionStoreSuite.Clause) async throws {
        try await SessionStoreSuite(isShared: false) { MemorySessionStore() }.check(clause)
    }
}
