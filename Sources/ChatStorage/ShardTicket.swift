import ChatCore
import Synchronization

/// One operation that waits for its shard, seen by the shard: no type of its result.
protocol ShardOperation: AnyObject, Sendable {
    var kind: ShardOperationKind { get }
    var deadline: ContinuousClock.Instant { get }
    /// From waiting to running; false when its caller has been answered already.
    func start() -> Bool
    /// From running back to waiting, because the transaction it was in was lost.
    /// - Parameter isInvolved: it may itself be the reason; only so many tries count against it. Without,
    ///   its deadline is the only bound.
    /// - Returns: false when it has been tried often enough or its caller has been answered.
    func startOver(isInvolved: Bool) -> Bool
    /// Runs the body and keeps its value for `answer`.
    /// - Throws: what the body throws.
    func perform(on connection: Connection) throws
    /// Hands the kept value to the caller.
    func answer()
    /// Hands an error to the caller, unless it has been answered already.
    func fail(_ error: any Error)
    /// Answers a caller whose deadline is over.
    /// - Returns: true if it was still waiting, so that it must leave the queue.
    func expire() -> Bool
}

/// Reads share a transaction with reads and never wait for more than one batch of writes.
enum ShardOperationKind: Hashable, Sendable { case read, write }

/// A caller's place in the queue. Whoever moves it out of `waiting` or `running` answers the caller, so the
/// answer is given exactly once, whoever comes first: the shard, the deadline or a cancellation.
final class ShardTicket<Value: Sendable>: ShardOperation {
    private enum Phase {
        case new
        case waiting(CheckedContinuation<Value, any Error>)
        case running(CheckedContinuation<Value, any Error>)
        case answered
    }

    private struct State {
        var phase = Phase.new
        var value: Value?
        var attempts = 0
    }

    let kind: ShardOperationKind
    let deadline: ContinuousClock.Instant
    private let body: @Sendable (Connection) throws -> Value
    private let state = Mutex(State())
    private static var attemptsMax: Int { 5 }

    init(
        _ kind: ShardOperationKind, deadline: ContinuousClock.Instant,
        _ body: @escaping @Sendable (Connection) throws -> Value
    ) {
        self.kind = kind
        self.deadline = deadline
        self.body = body
    }

    /// The caller begins to wait; false, and answered, when it was cancelled before.
    func wait(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
        let isCancelled = state.withLock { state in
            guard case .new = state.phase else { return true }
            state.phase = .waiting(continuation)
            return false
        }
        if isCancelled { continuation.resume(throwing: CancellationError()) }
        return !isCancelled
    }

    /// A cancelled caller does not wait for its turn any more. One whose operation runs already gets its
    /// result: the transaction carries others' work, so it is not interrupted.
    /// - Returns: true if it must leave the queue.
    func cancel() -> Bool {
        let continuation = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            switch state.phase {
            case .new:
                state.phase = .answered
                return nil
            case .waiting(let continuation):
                state.phase = .answered
                return continuation
            case .running, .answered:
                return nil
            }
        }
        continuation?.resume(throwing: CancellationError())
        return continuation != nil
    }

    func start() -> Bool {
        state.withLock { state in
            guard case .waiting(let continuation) = state.phase else { return false }
            state.phase = .running(continuation)
            state.attempts += 1
            return true
        }
    }

    func startOver(isInvolved: Bool) -> Bool {
        state.withLock { state in
            if !isInvolved { state.attempts -= 1 }
            guard case .running(let continuation) = state.phase, state.attempts < Self.attemptsMax else {
                return false
            }
            state.phase = .waiting(continuation)
            state.value = nil
            return true
        }
    }

    func perform(on connection: Connection) throws {
        let value = try body(connection)
        state.withLock { $0.value = value }
    }

    func answer() {
        let (continuation, value) = state.withLock { state in (Self.takeContinuation(&state), state.value) }
        guard let continuation else { return }
        if let value {
            continuation.resume(returning: value)
        } else {
            continuation.resume(
                throwing: ChatError(.internal, "Something went wrong.", cause: "answered without a value"))
        }
    }

    func fail(_ error: any Error) {
        state.withLock { Self.takeContinuation(&$0) }?.resume(throwing: error)
    }

    func expire() -> Bool {
        let (continuation, wasWaiting) = state.withLock { state in
            if case .waiting = state.phase { return (Self.takeContinuation(&state), true) }
            return (Self.takeContinuation(&state), false)
        }
        continuation?.resume(throwing: wasWaiting ? ChatError.shardBusy : ChatError.shardSilent)
        return wasWaiting
    }

    private static func takeContinuation(_ state: inout State) -> CheckedContinuation<Value, any Error>? {
        switch state.phase {
        case .waiting(let continuation), .running(let continuation):
            state.phase = .answered
            return continuation
        case .new, .answered:
            return nil
        }
    }
}

extension ChatError {
    /// The deadline passed while the operation waited: nothing was done.
    static let shardBusy = ChatError.busy("The storage", cause: "waited past the deadline")
    /// Too much waits already: nothing was done.
    static let shardFull = ChatError.busy("The storage", cause: "queue full")
    /// The deadline passed while the operation ran, as on a volume that hangs: it may be done or not, and the
    /// same call again settles it.
    static let shardSilent = ChatError(
        .unavailable, "The storage does not answer. Try again in a moment.", retryAfterMilliseconds: 2_000,
        cause: "running past the deadline")
}
