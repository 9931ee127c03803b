import ChatCore
import Logging

/// One database file and everything that is done to it by this process.
///
/// Callers wait in a bounded queue; the actor takes them in batches. Each batch of writes is one transaction:
/// whoever waits shares one lock and one sync, and is answered only after COMMIT. While a commit is under way
/// the next batch gathers, so nothing is ever held back by a timer. Reads and writes take turns.
actor Shard {
    /// Bounds of one shard.
    struct Bounds: Sendable {
        /// Operations that may wait.
        var waitingMax = 1024
        /// Operations in one transaction: bounds the time for which the lock is held and what one loss
        /// repeats.
        var batchMax = 128
        /// How long an operation may wait before it is answered `busy`.
        var wait: Duration = .milliseconds(Limits.storeWaitMilliseconds)
        /// How long a COMMIT that readers of other processes hold up is tried again.
        var commitWait: Duration = .milliseconds(Limits.storeWaitMilliseconds)

        init() {}
    }

    /// For logs: the shard's folder.
    nonisolated let label: String
    nonisolated let queue: ShardQueue
    nonisolated let bounds: Bounds
    let engine: any StorageEngine
    let path: String
    let logger: Logger
    private var connection: Connection?
    /// SQLite's own count of schema changes when the file was verified.
    private var verifiedSchema: Int?
    private let verify: @Sendable (Connection) throws -> Void
    private let executor: ShardExecutor

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Nothing is opened before the first operation.
    /// - Parameter verify: looks at a freshly opened file and throws a `ChatError` to refuse it, or the
    ///   `SQLiteError` it met.
    init(
        label: String, path: String, engine: any StorageEngine, bounds: Bounds = Bounds(), logger: Logger,
        verify: @escaping @Sendable (Connection) throws -> Void = { _ in }
    ) {
        self.label = label
        self.path = path
        self.engine = engine
        self.bounds = bounds
        self.logger = logger
        self.verify = verify
        queue = ShardQueue(waitingMax: bounds.waitingMax)
        executor = ShardExecutor(label: "stoa.shard.\(label)")
    }

    /// Runs `body` inside a read transaction, possibly with other reads.
    /// - Throws: what `body` throws (an `SQLiteError` as its `ChatError`); ``ChatError/Code/busy`` when the
    ///   queue is full or the wait too long; ``ChatError/Code/unavailable`` when closed; `CancellationError`.
    nonisolated func read<Value: Sendable>(
        _ body: @escaping @Sendable (Connection) throws -> Value
    ) async throws -> Value {
        try await submit(.read, body)
    }

    /// Runs `body` inside a write transaction, in a savepoint of its own, and returns after the commit.
    /// `body` may run more than once, if a transaction is lost through somebody else's fault, but is kept at
    /// most once.
    /// - Throws: as ``read(_:)``; then nothing of `body` is kept, except that after `unavailable` it may be.
    nonisolated func write<Value: Sendable>(
        _ body: @escaping @Sendable (Connection) throws -> Value
    ) async throws -> Value {
        try await submit(.write, body)
    }

    private nonisolated func submit<Value: Sendable>(
        _ kind: ShardOperationKind, _ body: @escaping @Sendable (Connection) throws -> Value
    ) async throws -> Value {
        let ticket = ShardTicket(kind, deadline: ContinuousClock.now + bounds.wait, body)
        do {
            return try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    if ticket.wait(continuation) { queue.add(ticket) { await self.pump() } }
                }
            } onCancel: {
                if ticket.cancel() { queue.remove(ticket) }
            }
        } catch let error as SQLiteError {
            throw ChatError(error, shard: label)
        }
    }

    /// Refuses what waits with ``ChatError/closed``, lets a running batch finish, and closes the file.
    nonisolated func close() async {
        await queue.close { await self.pump() }.value
    }

    nonisolated var statistics: ShardStatistics { queue.statistics }

    // MARK: The pump

    /// Serves the queue until it is empty: reads, writes, reads, writes. The only code that touches the
    /// connection.
    private func pump() async {
        var backoff = Backoff()
        var busySince = ContinuousClock.now
        while queue.continuePump() {
            guard await serveOnce() else {
                queue.count { $0.busy += 1 }
                try? await Task.sleep(for: backoff.next())
                busySince = .now
                continue
            }
            backoff = Backoff()
            // SQLite's locks have no queue: without a rest, a loaded shard would win every race against the
            // tasks that come back from their pause, and starve them.
            if ContinuousClock.now - busySince > .milliseconds(engine.holdMillisecondsMax) {
                try? await Task.sleep(for: .milliseconds(engine.restMilliseconds))
                busySince = .now
            }
        }
        if queue.isClosed { drop() }
    }

    /// One batch of reads and one of writes.
    /// - Returns: false if another process was in the way of anything.
    private func serveOnce() async -> Bool {
        do {
            // `opened` each time: what failed in the reads may have closed the file.
            let readsDone = queue.isWaiting(.read) ? try serveReads(on: try opened()) : true
            let writesDone = queue.isWaiting(.write) ? try await serveWrites(on: try opened()) : true
            return readsDone && writesDone
        } catch {
            if let error = error as? SQLiteError {
                if engine.remedy(for: error) == .retry { return false }
                if error.code == .schemaChanged {
                    // Another task has migrated this shard: open it anew, which looks whether we still fit.
                    drop()
                    return true
                }
            }
            // The file cannot be opened or no transaction begun: nobody who waits now can be served.
            logger.error("shard refused", metadata: ["shard": "\(label)", "error": "\(error)"])
            drop()
            for operation in queue.takeAll() { operation.fail(error) }
            return true
        }
    }

    /// The connection, opened and verified at the first use and after a loss.
    private func opened() throws -> Connection {
        if let connection { return connection }
        let opened = try engine.open(path: path, access: .readWrite)
        // Before the verification, so that a change in between is seen as one.
        verifiedSchema = try Self.schemaCookie(of: opened)
        try verify(opened)
        queue.count { $0.openings += 1 }
        connection = opened
        return opened
    }

    /// True if another task changed the schema since the file was verified. To be asked inside a transaction,
    /// where it costs no traffic: SQLite has just read the header. In a `DEFERRED` one the question itself
    /// takes the SHARED lock.
    func isSchemaChanged(on connection: Connection) throws(SQLiteError) -> Bool {
        try Self.schemaCookie(of: connection) != verifiedSchema
    }

    private static func schemaCookie(of connection: Connection) throws(SQLiteError) -> Int? {
        try connection.first("PRAGMA schema_version") { row throws(SQLiteError) in try row.int(0) }
    }

    /// Closes all file handles of this shard; the next batch opens it anew.
    func drop() {
        do {
            try connection?.close()
        } catch {
            logger.error("shard closed with an error", metadata: ["shard": "\(label)", "error": "\(error)"])
        }
        connection = nil
    }
}
