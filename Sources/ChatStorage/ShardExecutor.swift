import Dispatch

/// Runs an actor's jobs one after another on a dispatch queue of its own, so that SQLite's blocking calls
/// never stand on the cooperative pool, which has only as many threads as there are cores.
///
/// (`DispatchSerialQueue` as an actor's executor does not exist on Linux.)
final class ShardExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}
