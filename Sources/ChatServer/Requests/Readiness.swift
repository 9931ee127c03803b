import ChatCore

/// Whether the volume can be written and read right now, asked at most once at a time and a few times a
/// second.
///
/// A volume that hangs holds its check for as long as it hangs: no cancellation reaches a thread inside a
/// system call. So nobody awaits the check itself, and while one hangs no second one is begun.
actor Readiness {
    private typealias Waiter = CheckedContinuation<(any Error)?, Never>

    private let timeout: Duration
    private let cached: Duration
    private let check: @Sendable () async throws -> Void
    private var outcome: (error: (any Error)?, at: ContinuousClock.Instant)?
    private var isChecking = false
    private var waiters: [Int: Waiter] = [:]
    private var nextWaiter = 0

    /// - Parameters:
    ///   - timeout: how long an answer is waited for.
    ///   - cached: how long an answer counts.
    init(timeout: Duration, cached: Duration, check: @escaping @Sendable () async throws -> Void) {
        self.timeout = timeout
        self.cached = cached
        self.check = check
    }

    /// - Throws: ``ChatError/Code/unavailable`` when the check fails or takes too long.
    func require() async throws {
        if let error = await latest() {
            if let error = error as? ChatError { throw error }
            throw ChatError(.unavailable, "The volume cannot be used.", cause: "\(error)")
        }
    }

    private func latest() async -> (any Error)? {
        if let outcome, ContinuousClock.now - outcome.at < cached { return outcome.error }
        if !isChecking {
            isChecking = true
            // Unstructured on purpose: it may outlive everybody who waits for it.
            Task { conclude(await Self.outcome(of: check)) }
        }
        nextWaiter += 1
        let waiter = nextWaiter
        let alarm = Task {
            try await Task.sleep(for: timeout)
            giveUp(waiter)
        }
        defer { alarm.cancel() }
        return await withCheckedContinuation { waiters[waiter] = $0 }
    }

    private static func outcome(of check: @Sendable () async throws -> Void) async -> (any Error)? {
        do {
            try await check()
            return nil
        } catch {
            return error
        }
    }

    private func conclude(_ error: (any Error)?) {
        isChecking = false
        outcome = (error, .now)
        for waiter in waiters.values { waiter.resume(returning: error) }
        waiters = [:]
    }

    private func giveUp(_ waiter: Int) {
        let seconds = Double(timeout.milliseconds) / 1_000
        waiters.removeValue(forKey: waiter)?.resume(
            returning: ChatError(.unavailable, "The volume did not answer within \(seconds) seconds."))
    }
}
