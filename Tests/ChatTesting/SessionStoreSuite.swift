package import ChatCore
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The executable meaning of ``SessionStore``: every clause of its documentation, for any implementation.
///
/// ```
/// @Test("keeps the contract", arguments: SessionStoreSuite.clauses)
/// func contract(_ clause: SessionStoreSuite.Clause) async throws {
///     try await SessionStoreSuite(isShared: false) { MemorySessionStore() }.check(clause)
/// }
/// ```
package struct SessionStoreSuite: Sendable {
    /// One sentence of the contract and its check.
    package struct Clause: Sendable, CustomTestStringConvertible {
        /// What is checked.
        package let sentence: String
        let body: @Sendable (StoreFixture) async throws -> Void

        init(_ sentence: String, _ body: @escaping @Sendable (StoreFixture) async throws -> Void) {
            self.sentence = sentence
            self.body = body
        }

        package var testDescription: String { sentence }
    }

    /// All clauses that take a moment each.
    package static let clauses: [Clause] =
        sessionClauses + conversationClauses + turnClauses + answerClauses + reasoningClauses
        + continuationClauses
        + alternativeClauses + followingClauses + textClauses + concurrencyClauses
        + sweepingClauses + readingClauses + importingClauses + rotationClauses

    /// The limits on the number of things: thousands of calls each, so that they run when `STOA_THOROUGH` is
    /// set.
    package static let limitClauses: [Clause] = countClauses

    /// Whether tests that take a minute are wanted.
    package static var isThorough: Bool { ProcessInfo.processInfo.environment["STOA_THOROUGH"] != nil }

    private let isShared: Bool
    private let makeStore: @Sendable () async throws -> any SessionStore

    /// - Parameters:
    ///   - isShared: whether two stores from `makeStore` keep the same data, as two tasks on one volume do.
    ///   - makeStore: opens a store on a volume that is the suite's alone.
    package init(isShared: Bool, makeStore: @escaping @Sendable () async throws -> any SessionStore) {
        self.isShared = isShared
        self.makeStore = makeStore
    }

    /// Checks one clause in a new session and closes what it opened.
    package func check(_ clause: Clause) async throws {
        let fixture = try await StoreFixture(isShared: isShared, makeStore: makeStore)
        do {
            try await clause.body(fixture)
        } catch {
            await fixture.close()
            throw error
        }
        await fixture.close()
    }

    /// Checks all clauses, one after another.
    package func run() async throws {
        for clause in Self.clauses { try await check(clause) }
    }
}
