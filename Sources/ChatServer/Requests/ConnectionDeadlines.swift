import NIOCore
import ServiceLifecycle
import Synchronization

/// Closes the connections of clients that neither send nor take what is theirs to.
///
/// One look a second at all that is under way, instead of a timer for each write: with a thousand event
/// streams that is twenty thousand timers a second, each of which wakes an event loop twice.
final class ConnectionDeadlines: Service, Sendable {
    private struct State {
        var next = 0
        var waiting: [Int: (channel: any Channel, deadline: ContinuousClock.Instant)] = [:]
    }

    private let timeout: Duration
    private let state = Mutex(State())

    /// - Parameter timeout: how long one transfer may take; it is noticed up to a second later.
    init(timeout: Duration) { self.timeout = timeout }

    /// Lets `body` wait for the client at the other end of `channel`; past the timeout the channel is closed,
    /// which ends every wait on it.
    func limit<Result>(
        _ channel: any Channel, isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Result
    ) async rethrows -> Result {
        let transfer = state.withLock { state in
            state.next += 1
            state.waiting[state.next] = (channel, .now + timeout)
            return state.next
        }
        defer { state.withLock { _ = $0.waiting.removeValue(forKey: transfer) } }
        return try await body()
    }

    /// Looks until the server has shut down.
    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: .seconds(1))
                self.closeOverdue(at: .now)
            }
        }
    }

    private func closeOverdue(at now: ContinuousClock.Instant) {
        let overdue = state.withLock { $0.waiting.values.filter { $0.deadline < now }.map(\.channel) }
        for channel in overdue { channel.close(mode: .all, promise: nil) }
    }
}
