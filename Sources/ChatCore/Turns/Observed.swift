import Synchronization

/// A value that tasks wait on: each change that matters is a new generation and wakes everybody.
///
/// Nothing is queued for anybody: who wakes up looks at the value as it is by then.
final class Observed<Value: Sendable>: Sendable {
    private struct State {
        var value: Value
        var generation = 0
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state: Mutex<State>

    init(_ value: Value) { state = Mutex(State(value: value)) }

    /// The value, and its generation to wait for the next one.
    var current: (value: Value, generation: Int) { state.withLock { ($0.value, $0.generation) } }

    /// Waits until the generation is no longer `generation`, or the calling task is cancelled.
    func wait(after generation: Int) async {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    // A cancellation that came first found no waiter to resume: it must be seen here.
                    if state.generation != generation || Task.isCancelled { return true }
                    state.waiters[waiter] = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume()
        }
    }

    /// Changes the value and, if `body` says that it matters, wakes everybody, outside the lock.
    func change(_ body: (inout Value) -> Bool) {
        let woken = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard body(&state.value) else { return [] }
            state.generation += 1
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for continuation in woken { continuation.resume() }
    }
}
