/// Repeats `attempt` while it is `busy`, sleeping in between without blocking a thread.
///
/// SQLite's locks have no queue: whoever waits must come back. Between two tries the pause grows and is drawn
/// anew (``Backoff``), so that waiters part and an NFS server is not asked in a tight loop.
/// - Parameter isBusy: which errors mean "another process holds the lock".
/// - Throws: the last `busy` error when the next try would come after the deadline; any other error at once;
///   `CancellationError` when cancelled.
func retryingWhileBusy<R>(
    until deadline: ContinuousClock.Instant, isolation: isolated (any Actor)? = #isolation,
    isBusy: (SQLiteError) -> Bool = { $0.code.primary == .busy }, _ attempt: () throws -> R
) async throws -> R {
    var backoff = Backoff()
    while true {
        do {
            return try attempt()
        } catch let error as SQLiteError where isBusy(error) {
            let pause = backoff.next()
            guard ContinuousClock.now + pause < deadline else { throw error }
            try await Task.sleep(for: pause)
        }
    }
}
