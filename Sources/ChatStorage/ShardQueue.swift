import ChatCore
import Synchronization

/// What waits for a shard, outside of the actor: a caller is queued, refused and answered at its deadline
/// even while the shard's thread hangs in a system call that nothing can interrupt.
final class ShardQueue: Sendable {
    private struct State {
        var reads: [any ShardOperation] = []
        var writes: [any ShardOperation] = []
        var running: [any ShardOperation] = []
        var pump: Task<Void, Never>?
        var isWatched = false
        var isClosed = false
        var statistics = ShardStatistics()
    }

    private let state = Mutex(State())
    private let waitingMax: Int

    /// - Parameter waitingMax: how many operations may wait at once.
    init(waitingMax: Int) { self.waitingMax = waitingMax }

    /// Queues an operation and makes sure that `pump` runs. A full or closed queue answers the caller at
    /// once.
    func add(_ operation: any ShardOperation, pump: @escaping @Sendable () async -> Void) {
        let refusal = state.withLock { state -> ChatError? in
            if state.isClosed { return .closed }
            guard state.reads.count + state.writes.count < waitingMax else {
                state.statistics.refused += 1
                return .shardFull
            }
            switch operation.kind {
            case .read: state.reads.append(operation)
            case .write: state.writes.append(operation)
            }
            // Not structured: it serves many callers, and ends by itself when nothing waits any more.
            if state.pump == nil { state.pump = Task { await pump() } }
            return nil
        }
        if let refusal { return operation.fail(refusal) }
        watchDeadlines()
    }

    /// Takes an operation out that was answered while it waited.
    func remove(_ operation: any ShardOperation) {
        state.withLock { state in
            state.reads.removeAll { $0 === operation }
            state.writes.removeAll { $0 === operation }
        }
    }

    func isWaiting(_ kind: ShardOperationKind) -> Bool {
        state.withLock { kind == .read ? !$0.reads.isEmpty : !$0.writes.isEmpty }
    }

    /// Moves up to `countMax` waiting operations to the running ones, oldest first.
    func take(_ kind: ShardOperationKind, countMax: Int) -> [any ShardOperation] {
        state.withLock { state in
            let path: WritableKeyPath<State, [any ShardOperation]> = kind == .read ? \.reads : \.writes
            let taken = Array(state[keyPath: path].prefix(countMax))
            state[keyPath: path].removeFirst(taken.count)
            let started = taken.filter { $0.start() }
            state.running = started
            return started
        }
    }

    /// The batch is over; `again` goes back to the head of the queue.
    func finish(_ kind: ShardOperationKind, again: [any ShardOperation] = []) {
        state.withLock { state in
            state.running = []
            switch kind {
            case .read: state.reads.insert(contentsOf: again, at: 0)
            case .write: state.writes.insert(contentsOf: again, at: 0)
            }
        }
    }

    /// Everything that waits, taken out; for a shard that cannot be opened.
    func takeAll() -> [any ShardOperation] {
        state.withLock { state in
            defer { (state.reads, state.writes) = ([], []) }
            return state.reads + state.writes
        }
    }

    /// Asked by the pump: false ends it, atomically with the check, so that no operation is left behind.
    func continuePump() -> Bool {
        state.withLock { state in
            guard state.reads.isEmpty, state.writes.isEmpty else { return true }
            if !state.isClosed { state.pump = nil }
            return false
        }
    }

    var isClosed: Bool { state.withLock(\.isClosed) }

    /// Refuses what waits and what comes.
    /// - Returns: the task at whose end nothing runs any more; it closes the connection.
    func close(pump: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        let (refused, task) = state.withLock { state in
            state.isClosed = true
            let task = state.pump ?? Task { await pump() }
            state.pump = task
            defer { (state.reads, state.writes) = ([], []) }
            return (state.reads + state.writes, task)
        }
        for operation in refused { operation.fail(ChatError.closed) }
        return task
    }

    // MARK: Statistics

    var statistics: ShardStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.waiting = state.reads.count + state.writes.count
            return statistics
        }
    }

    func count(_ change: (inout ShardStatistics) -> Void) { state.withLock { change(&$0.statistics) } }

    // MARK: Deadlines

    /// One look every 100 ms while anybody waits, instead of a timer for each caller.
    private func watchDeadlines() {
        let begins = state.withLock { state in
            defer { state.isWatched = true }
            return !state.isWatched
        }
        guard begins else { return }
        // Not structured: it belongs to all who wait, and ends when nobody does.
        Task {
            repeat { try? await Task.sleep(for: .milliseconds(100)) } while expireOverdue()
        }
    }

    /// - Returns: whether anybody still waits or runs.
    private func expireOverdue() -> Bool {
        let now = ContinuousClock.now
        let (overdue, goesOn) = state.withLock { state in
            let all = state.reads + state.writes + state.running
            let overdue = all.filter { $0.deadline <= now }
            if !overdue.isEmpty {
                state.reads.removeAll { $0.deadline <= now }
                state.writes.removeAll { $0.deadline <= now }
                state.running.removeAll { $0.deadline <= now }
                state.statistics.expired += overdue.count
            }
            state.isWatched = overdue.count < all.count
            return (overdue, state.isWatched)
        }
        for operation in overdue { _ = operation.expire() }
        return goesOn
    }
}

/// Counts since the shard was opened, for metrics and tests.
package struct ShardStatistics: Hashable, Sendable {
    /// Operations answered with their value.
    package var operations = 0
    /// Transactions that read.
    package var readBatches = 0
    /// Transactions that were committed for writers.
    package var writeBatches = 0
    /// Times another process held the lock.
    package var busy = 0
    /// Times the file was opened.
    package var openings = 0
    /// Times the shard was taken from the other tasks (engine `volume`).
    package var holds = 0
    /// Times the log was emptied (engine `volume`).
    package var checkpoints = 0
    /// Times emptying the log failed.
    package var checkpointFailures = 0
    /// Times the connection was lost, and what it had not acknowledged was run again.
    package var losses = 0
    /// Times the lock was lost for good (a lease that ended, say), so that nothing could be written through
    /// the connection any more (engine `volume`).
    package var fenced = 0
    /// Times nobody who waited could be served: the file cannot be opened, is damaged or of another schema.
    package var refusals = 0
    /// The last try to serve the shard ended in such a refusal.
    package var isRefused = false
    /// The last write was refused: the shard's schema is one that this program may only read.
    package var isReadOnly = false
    /// This task has the shard now.
    package var isHeld = false
    /// Bytes of the log when this task looked last: what whoever takes the shard may have to read.
    package var logBytes = 0
    /// Operations that wait now.
    package var waiting = 0
    /// Operations turned away because the queue was full.
    package var refused = 0
    /// Operations whose deadline passed.
    package var expired = 0
}
