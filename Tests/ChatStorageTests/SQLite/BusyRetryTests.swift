import Testing

@testable import ChatStorage

@Suite("Waiting for a lock")
struct BusyRetryTests {
    private let busy = SQLiteError(code: .busy, message: "database is locked")

    @Test("a lock that is given up is taken, after pauses that grow")
    func succeeds() async throws {
        var tries = 0
        let value = try await retryingWhileBusy(until: .now + .seconds(600)) {
            tries += 1
            if tries < 6 { throw busy }
            return tries
        }
        #expect(value == 6)
    }

    @Test("a lock that is never given up ends as busy, at the deadline and not before")
    func deadline() async throws {
        let start = ContinuousClock.now
        var tries = 0
        let error = await #expect(throws: SQLiteError.self) {
            try await retryingWhileBusy(until: start + .milliseconds(300)) {
                tries += 1
                throw busy
            }
        }
        let waited = ContinuousClock.now - start
        #expect(error?.code == .busy)
        // Not sooner than one longest pause before the deadline.
        #expect(waited > .milliseconds(250) && waited < .seconds(60))
        // 1, 2, 4 … 32, 32 ms: growing pauses, not a tight loop.
        #expect((2...40).contains(tries), "\(tries) tries")
    }

    @Test("another error is not waited out")
    func otherErrors() async throws {
        var tries = 0
        await #expect(throws: SQLiteError.self) {
            try await retryingWhileBusy(until: .now + .seconds(5)) {
                tries += 1
                throw SQLiteError(code: .corrupt, message: "malformed")
            }
        }
        #expect(tries == 1)
    }

    @Test("a cancelled waiter leaves at once")
    func cancellation() async throws {
        let start = ContinuousClock.now
        let task = Task { try await retryingWhileBusy(until: .now + .seconds(600)) { throw busy } }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(ContinuousClock.now - start < .seconds(300))
    }
}
