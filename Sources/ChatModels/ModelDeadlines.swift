import ChatCore
import Synchronization

/// How long a model may take, in milliseconds. The deadline for a connection belongs to ``ModelHTTPClient``.
package struct ModelDeadlines: Sendable, Hashable {
    /// From the question to the first piece of the answer, retries included. Small machines read long prompts
    /// slowly.
    package var firstTokenMilliseconds = 120_000
    /// Between two pieces of the answer. Anything the server sends counts, comments too.
    package var gapMilliseconds = 60_000
    /// For the whole answer.
    package var wholeMilliseconds = 600_000

    /// The defaults above.
    package init() {}
}

/// Watches over one answer from a task of its own and throws when a deadline has passed.
///
/// The time that a reader of the answer takes is not the server's: no gap runs while a delta is being
/// delivered.
final class DeadlineWatch: Sendable {
    private enum Phase: Equatable { case waiting, answering, delivering, draining(milliseconds: Int) }

    private struct State {
        var phase = Phase.waiting
        var hasDelivered = false
        var since: ContinuousClock.Instant
    }

    /// How late a deadline may be noticed: it can move nearer while the watch sleeps.
    private static let tick = Duration.milliseconds(250)

    private let deadlines: ModelDeadlines
    private let start: ContinuousClock.Instant
    private let state: Mutex<State>

    init(_ deadlines: ModelDeadlines) {
        self.deadlines = deadlines
        let now = ContinuousClock.now
        start = now
        state = Mutex(State(since: now))
    }

    /// Whether a piece of the answer was delivered; from then on nothing may be asked again.
    var hasDelivered: Bool { state.withLock { $0.hasDelivered } }

    /// Whether the first token could still come in time after a wait of `milliseconds`.
    func allowsWaiting(milliseconds: Int) -> Bool {
        deadline(of: .waiting, since: start) > .now + .milliseconds(milliseconds)
    }

    /// A request is being sent.
    func asking() { move(to: .waiting) }
    /// Bytes came from the server.
    func heard() { state.withLock { if $0.phase == .answering { $0.since = .now } } }
    /// A delta is on its way to the reader.
    func delivering() { move(to: .delivering) }
    /// The reader took it.
    func delivered() { move(to: .answering) }
    /// The answer is complete, only the end of the body is missing, or what the server counted.
    func draining(milliseconds: Int) { move(to: .draining(milliseconds: milliseconds)) }

    /// Returns when draining took too long.
    /// - Throws: ``ModelError/Kind/timedOut``, or `CancellationError` when it is no longer needed.
    func run() async throws {
        while true {
            let (phase, since) = state.withLock { ($0.phase, $0.since) }
            let deadline = deadline(of: phase, since: since)
            let now = ContinuousClock.now
            if now >= deadline {
                if case .draining = phase { return }
                throw ModelError(.timedOut, detail: detail(of: phase, now: now))
            }
            try await Task.sleep(until: min(deadline, now + min(Self.tick, step)))
        }
    }

    private func move(to phase: Phase) {
        state.withLock {
            $0.phase = phase
            $0.since = .now
            if phase == .delivering { $0.hasDelivered = true }
        }
    }

    /// Short deadlines are watched more closely.
    private var step: Duration {
        .milliseconds(max(5, min(deadlines.firstTokenMilliseconds, deadlines.gapMilliseconds) / 4))
    }

    private func deadline(of phase: Phase, since: ContinuousClock.Instant) -> ContinuousClock.Instant {
        let whole = start + .milliseconds(deadlines.wholeMilliseconds)
        switch phase {
        case .waiting: return min(whole, start + .milliseconds(deadlines.firstTokenMilliseconds))
        case .answering: return min(whole, since + .milliseconds(deadlines.gapMilliseconds))
        case .delivering: return whole
        case .draining(let milliseconds): return min(whole, since + .milliseconds(milliseconds))
        }
    }

    private func detail(of phase: Phase, now: ContinuousClock.Instant) -> String {
        if now >= start + .milliseconds(deadlines.wholeMilliseconds) {
            return "no end after \(deadlines.wholeMilliseconds) ms"
        }
        return phase == .waiting
            ? "no first token after \(deadlines.firstTokenMilliseconds) ms"
            : "nothing for \(deadlines.gapMilliseconds) ms"
    }
}
