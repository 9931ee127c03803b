import ChatCore

/// Whether a part works right now (the volume can be written and read, say), asked at most once at a time and
/// a few times a second.
///
/// A volume that hangs holds its check for as long as it hangs: no cancellation reaches a thread inside a
/// system call. So nobody awaits the check itself, and while one hangs no second one is begun.
actor Readiness {
    private typealias Outcome = Result<String?, any Error>
    private typealias Waiter = CheckedContinuation<Outcome, Never>

    private let timeout: Duration
    private let cached: Duration
    private let check: @Sendable () async throws -> String?
    private var latest: (outcome: Outcome, at: ContinuousClock.Instant)?
    private var isChecking = false
    private var waiters: [Int: Waiter] = [:]
    private var nextWaiter = 0

    /// - Parameters:
    ///   - timeout: how long an answer is waited for.
    ///   - cached: how long an answer counts.
    init(timeout: Duration, cached: Duration, check: @escaping @Sendable () async throws -> String?) {
        self.timeout = timeout
        self.cached = cached
        self.check = check
    }

    /// - Returns: in what way it works only in part; nil when it works.
    /// - Throws: ``ChatError/Code/unavailable`` when the check fails or takes too long.
    func require() async throws(ChatError) -> String? {
        switch await outcome() {
        case .success(let detail): return detail
        case .failure(let error as ChatError): throw error
        case .failure(let error):
            throw ChatError(.unavailable, "The volume cannot be used.", cause: "\(error)")
        }
    }

    private func outcome() async -> Outcome {
        if let latest, ContinuousClock.now - latest.at < cached { return latest.outcome }
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

    private static func outcome(of check: @Sendable () async throws -> String?) async -> Outcome {
        do {
            return .success(try await check())
        } catch {
            return .failure(error)
        }
    }

    private func conclude(_ outcome: Outcome) {
        isChecking = false
        latest = (outcome, .now)
        for waiter in waiters.values { waiter.resume(returning: outcome) }
        waiters = [:]
    }

    private func giveUp(_ waiter: Int) {
        let seconds = Double(timeout.milliseconds) / 1_000
        waiters.removeValue(forKey: waiter)?.resume(
            returning: .failure(
                ChatError(.unavailable, "The volume did not answer within \(seconds) seconds.")))
    }
}
