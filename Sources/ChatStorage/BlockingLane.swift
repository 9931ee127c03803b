import Dispatch
import Synchronization

/// One thread for calls that block, with a bounded queue in front of it and a deadline on every wait.
///
/// Nothing that blocks may run on the cooperative pool, which has a thread per core: two slow fsyncs would
/// stop every request. A call on a hung NFS mount cannot even be interrupted; here its caller is answered at
/// the deadline all the same, the lane stays blocked, its queue fills up, and later callers are told at once.
package final class BlockingLane: Sendable {
    /// The queue is full: nothing was done.
    package struct Full: Error {}

    /// The deadline passed. Nothing was done, unless the call had `started`: then its outcome is not known.
    package struct TimedOut: Error { package let started: Bool }

    private struct Job {
        let deadline: ContinuousClock.Instant
        var started = false
        let giveUp: @Sendable (TimedOut) -> Void
    }

    private struct State {
        var jobs: [UInt64: Job] = [:]
        var lastID: UInt64 = 0
        var watched = false
    }

    private let queue: DispatchQueue
    private let jobsMax: Int
    private let state = Mutex(State())

    /// - Parameter jobsMax: how many calls may wait or run at once.
    package init(label: String, jobsMax: Int) {
        queue = DispatchQueue(label: label)
        self.jobsMax = jobsMax
    }

    /// How many calls wait or run now.
    package var jobsCount: Int { state.withLock { $0.jobs.count } }

    /// Runs `body` after everything that waits already.
    /// - Throws: `Full` at once; `TimedOut` at the deadline; what `body` throws.
    package func run<Value: Sendable>(
        until deadline: ContinuousClock.Instant, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
            // Whoever takes the job out of the table answers, so that the answer is given exactly once.
            guard let id = admit(deadline, giveUp: { continuation.resume(throwing: $0) }) else {
                return continuation.resume(throwing: Full())
            }
            queue.async {
                guard self.start(id) else { return }
                let result = Result { try body() }
                if self.take(id) != nil { continuation.resume(with: result) }
            }
        }
    }

    private func admit(
        _ deadline: ContinuousClock.Instant, giveUp: @escaping @Sendable (TimedOut) -> Void
    ) -> UInt64? {
        let (id, watch) = state.withLock { state -> (UInt64?, Bool) in
            guard state.jobs.count < jobsMax else { return (nil, false) }
            state.lastID += 1
            state.jobs[state.lastID] = Job(deadline: deadline, giveUp: giveUp)
            defer { state.watched = true }
            return (state.lastID, !state.watched)
        }
        if watch { watchDeadlines() }
        return id
    }

    private func start(_ id: UInt64) -> Bool {
        state.withLock {
            $0.jobs[id]?.started = true; return $0.jobs[id] != nil
        }
    }

    private func take(_ id: UInt64) -> Job? {
        state.withLock { $0.jobs.removeValue(forKey: id) }
    }

    /// One look every 100 ms while anybody waits, instead of a timer for each call.
    private func watchDeadlines() {
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(100)) { [weak self] in
            guard let self else { return }
            let now = ContinuousClock.now
            let (late, again) = self.state.withLock { state -> ([Job], Bool) in
                let late = state.jobs.filter { $0.value.deadline <= now }
                for id in late.keys { state.jobs[id] = nil }
                state.watched = !state.jobs.isEmpty
                return (Array(late.values), state.watched)
            }
            for job in late { job.giveUp(TimedOut(started: job.started)) }
            if again { self.watchDeadlines() }
        }
    }
}
