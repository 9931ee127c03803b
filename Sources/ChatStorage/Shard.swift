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
        /// Frames in the log at which it is emptied between two batches. Whoever takes a shard that changed
        /// hands reads what it does not know of the log: 1,000 frames are 4 MB, four reads.
        var logFramesMax = 1_000
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
    /// What all shards of the store record while they work.
    nonisolated let metrics: StoreMetrics
    /// Whether no other task lives that could want the shard.
    let isAlone: @Sendable () -> Bool
    let verify: @Sendable (Connection) throws -> Access
    private let executor: ShardExecutor

    // What the pump owns.
    var connection: Connection?
    /// SQLite's own count of schema changes when the file was verified; nil until then.
    var verifiedSchema: Int?
    /// What the verification allowed.
    var access = Access.writing
    /// The shard is ours.
    var hold: Hold?
    /// The hold before this one.
    var lastHold: Hold?
    /// The last try to take the shard found it taken.
    var hasWaited = false
    /// Since when the shard is wanted; nil once a transaction has begun.
    var wantedSince: ContinuousClock.Instant?
    /// Since when nothing was to be done; nil while the pump runs.
    var idleSince: ContinuousClock.Instant?
    /// Gives an idle shard back.
    var lingering: Lingering?
    /// When a checkpoint failed last.
    var checkpointFailed: ContinuousClock.Instant?
    /// The next batch ends with an empty log (``purge()``), and whether it did.
    var isPurgeWanted = false
    var isPurged = false
    /// When a copy of the shard was last seen under way.
    var copySeen: ContinuousClock.Instant?
    /// How often in a row the connection was lost.
    private var losses = 0

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// What this program may do with a shard's schema.
    enum Access: Sendable {
        case writing
        /// A newer program's schema: every write is failed with the error.
        case reading(ChatError)
    }

    /// Nothing is opened before the first operation.
    /// - Parameter verify: looks at a freshly opened file and throws a `ChatError` to refuse it, or the
    ///   `SQLiteError` it met.
    init(
        label: String, path: String, engine: any StorageEngine, bounds: Bounds = Bounds(), logger: Logger,
        metrics: StoreMetrics = StoreMetrics(), isAlone: @escaping @Sendable () -> Bool = { false },
        verify: @escaping @Sendable (Connection) throws -> Access = { _ in .writing }
    ) {
        self.label = label
        self.path = path
        self.engine = engine
        self.bounds = bounds
        self.logger = logger
        self.metrics = metrics
        self.isAlone = isAlone
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
    /// A commit in doubt is settled by running `body` again, so it must name what it makes.
    /// - Throws: as ``read(_:)``; then nothing of `body` is kept, except that after `busy` or `unavailable`
    ///   it may be.
    nonisolated func write<Value: Sendable>(
        _ body: @escaping @Sendable (Connection) throws -> Value
    ) async throws -> Value {
        try await submit(.write, body)
    }

    private nonisolated func submit<Value: Sendable>(
        _ kind: ShardOperationKind, _ body: @escaping @Sendable (Connection) throws -> Value
    ) async throws -> Value {
        let began = ContinuousClock.now
        let ticket = ShardTicket(kind, deadline: began + bounds.wait, body)
        do {
            let value = try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    if ticket.wait(continuation) { queue.add(ticket) { await self.pump() } }
                }
            } onCancel: {
                if ticket.cancel() { queue.remove(ticket) }
            }
            metrics.recordOperation(isWrite: kind == .write, since: began)
            return value
        } catch {
            let error = (error as? SQLiteError).map { ChatError($0, shard: label) } ?? error
            metrics.recordOperation(isWrite: kind == .write, since: began, error: error)
            throw error
        }
    }

    /// Refuses what waits with ``ChatError/closed``, lets a running batch finish, and closes the file.
    nonisolated func close() async {
        await queue.close { await self.pump() }.value
    }

    nonisolated var statistics: ShardStatistics { queue.statistics }

    // MARK: The pump

    /// How a round of the pump ended.
    enum Outcome: Hashable, Sendable {
        case served
        /// Somebody else holds the shard.
        case busy
        /// The connection was lost and what it had not acknowledged is back in the queue.
        case lost
    }

    /// Tries in a row to get a connection back. With the pauses between them about 2 s: a client that lost
    /// its lease gets a new one with its first call, so more would only keep callers waiting.
    private static let lossesMax = 10
    private static let recovery = Backoff(first: .milliseconds(5), longest: .milliseconds(500))

    /// Serves the queue until it is empty: reads, writes, reads, writes. The only code that touches the
    /// connection, but for the end of a linger.
    private func pump() async {
        idleSince = nil
        var wait: HoldPatience.Wait?
        var recovery = Self.recovery
        while queue.continuePump() {
            switch await serveOnce() {
            case .served:
                wait = nil
                recovery = Self.recovery
                losses = 0
                await restIfDue()
            case .busy:
                letGo()
                hasWaited = true
                queue.count { $0.busy += 1 }
                var pauses = wait ?? HoldPatience.Wait(engine.patience)
                try? await Task.sleep(for: pauses.next())
                wait = pauses
            case .lost:
                drop()
                losses += 1
                queue.count { $0.losses += 1 }
                try? await Task.sleep(for: recovery.next())
            }
        }
        if queue.isClosed {
            lingering?.task.cancel()
            checkpointIfIdle()
            letGo()
            drop()
        } else {
            linger()
        }
    }

    /// One batch of reads and one of writes.
    private func serveOnce() async -> Outcome {
        do {
            var outcome = Outcome.served
            if queue.isWaiting(.read) { outcome = try serveReads(on: try held()) }
            if outcome == .served, queue.isWaiting(.write) {
                let connection = try held()
                if case .reading(let refusal) = access {
                    refuseWrites(refusal)
                } else {
                    outcome = try await serveWrites(on: connection)
                }
            }
            return outcome
        } catch {
            if let error = error as? SQLiteError {
                switch engine.remedy(for: error, on: connection) {
                case .retry: return .busy
                case .reopen where losses < Self.lossesMax:
                    logger.warning("shard lost", metadata: ["shard": "\(label)", "error": "\(error)"])
                    return .lost
                default: break
                }
                if error.code == .schemaChanged {
                    // Another task has migrated this shard: open it anew, which looks whether we still fit.
                    drop()
                    return .served
                }
            }
            // The file cannot be opened or no transaction begun: nobody who waits now can be served.
            logger.error("shard refused", metadata: ["shard": "\(label)", "error": "\(error)"])
            drop()
            queue.count {
                $0.refusals += 1
                $0.isRefused = true
            }
            for operation in queue.takeAll() { operation.fail(error) }
            return .served
        }
    }

    /// The connection, opened at the first use and after a loss, with the shard taken and its schema looked
    /// at.
    private func held() throws -> Connection {
        let connection = try connection ?? engine.open(path: path, access: .readWrite)
        self.connection = connection
        if hold == nil {
            wantedSince = wantedSince ?? .now
            let hasChanged = try engine.acquire(connection)
            hold = Hold(after: lastHold, isContended: hasChanged || hasWaited, engine.patience)
            hasWaited = false
            queue.count {
                $0.holds += 1
                $0.isHeld = true
            }
        }
        if verifiedSchema == nil {
            try engine.prepare(connection)
            // Before the verification, so that a change in between is seen as one.
            let cookie = try Self.schemaCookie(of: connection)
            access = try verify(connection)
            verifiedSchema = cookie
            queue.count { $0.openings += 1 }
        }
        return connection
    }

    private func refuseWrites(_ refusal: ChatError) {
        for operation in queue.take(.write, countMax: bounds.batchMax) { operation.fail(refusal) }
        queue.finish(.write)
        queue.count { $0.isReadOnly = true }
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

    /// Closes all file handles of this shard, which gives its locks back; the next batch opens it anew.
    func drop() {
        let isFenced = connection.map(engine.isFenced) ?? false
        do {
            try connection?.close()
        } catch {
            logger.error("shard closed with an error", metadata: ["shard": "\(label)", "error": "\(error)"])
        }
        connection = nil
        verifiedSchema = nil
        hold = nil
        queue.count {
            $0.isHeld = false
            if isFenced { $0.fenced += 1 }
        }
    }
}
