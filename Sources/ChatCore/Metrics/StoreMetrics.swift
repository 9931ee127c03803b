/// What a store and its shards record while they work. One for each store; recording takes no lock.
package final class StoreMetrics: MetricsSource {
    /// From the call of an operation to its answer: the wait for its turn and for the shard included.
    package let reads = Histogram(.storage)
    /// The same for what changes something; answered when it is durable.
    package let writes = Histogram(.storage)
    /// Operations in a transaction that read.
    package let readBatches = Histogram(.batch)
    /// Operations in a transaction that wrote.
    package let writeBatches = Histogram(.batch)
    /// From wanting a shard to having it.
    package let lockWaits = Histogram(.storage)
    /// From taking a shard to giving it back.
    package let lockHolds = Histogram(.storage)
    /// One commit: the durable write, and what it waited for readers of other processes.
    package let commits = Histogram(.storage)
    /// One checkpoint that emptied a log.
    package let checkpoints = Histogram(.storage)
    private let errors: [ChatError.Code: Counter]

    /// Nothing recorded yet.
    package init() {
        errors = Dictionary(uniqueKeysWithValues: ChatError.Code.allCases.map { ($0, Counter()) })
    }

    /// Counts an operation that ended.
    /// - Parameter error: what it threw, if it did. A cancelled one, which nobody waited for, is no error.
    package func recordOperation(
        isWrite: Bool, since began: ContinuousClock.Instant, error: (any Error)? = nil
    ) {
        (isWrite ? writes : reads).record(since: began)
        switch error {
        case nil, is CancellationError: break
        case let error as ChatError: errors[error.code]?.add()
        default: errors[.internal]?.add()
        }
    }

    /// How often operations ended with `code`.
    package func errorCount(_ code: ChatError.Code) -> Int { errors[code]?.value ?? 0 }

    package func collect(into page: inout MetricsPage) {
        page.histogram(
            "store_operation_seconds", "Operations of the store, from the call to the durable answer.",
            [(["kind": "read"], reads), (["kind": "write"], writes)])
        page.counter(
            "store_errors_total", "Operations of the store that were refused or failed, by the error's code.",
            ChatError.Code.allCases.map { .init(["code": $0.rawValue], errorCount($0)) })
        page.histogram(
            "shard_batch_operations", "Operations that shared one transaction.",
            [(["kind": "read"], readBatches), (["kind": "write"], writeBatches)])
        page.histogram(
            "shard_lock_wait_seconds", "From wanting a shard to having it.", [([:], lockWaits)])
        page.histogram(
            "shard_lock_hold_seconds", "From taking a shard to giving it back.", [([:], lockHolds)])
        page.histogram("shard_commit_seconds", "Commits, durable write included.", [([:], commits)])
        page.histogram("shard_checkpoint_seconds", "Checkpoints that emptied a log.", [([:], checkpoints)])
    }
}
