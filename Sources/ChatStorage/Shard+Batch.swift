import ChatCore
import Logging

/// One transaction of a shard.
///
/// Operations are taken out of the queue only after the transaction has begun: those that come while another
/// process holds the lock join the batch, and those whose deadline passes in the meantime were never touched.
extension Shard {
    /// - Throws: when no transaction can be begun, for whatever reason.
    func serveReads(on connection: Connection) throws -> Outcome {
        try begin(.deferred, on: connection)
        let batch = queue.take(.read, countMax: bounds.batchMax)
        if batch.count > 1 { hold?.isCrowded = true }
        var outcomes = Outcomes()
        for operation in batch {
            do {
                try operation.perform(on: connection)
                outcomes.done.append(operation)
            } catch  where isLost(error) {
                startOver(batch, .read, because: error, fault: .of(operation))
                return .lost
            } catch {
                outcomes.failed.append((operation, error))
            }
        }
        do {
            // After the last read: a host that was cut off or asleep in between must not answer from memory.
            try engine.verify(connection)
        } catch {
            startOver(batch, .read, because: error, fault: .nobodys)
            return .lost
        }
        // Ends the transaction and gives up the SHARED lock; there is nothing to commit.
        connection.rollBackIfOpen()
        queue.finish(.read)
        queue.count {
            $0.readBatches += 1
            $0.operations += outcomes.done.count
            $0.isRefused = false
        }
        metrics.readBatches.record(batch.count)
        outcomes.answer()
        return .served
    }

    /// - Throws: when no transaction can be begun, for whatever reason.
    func serveWrites(on connection: Connection) async throws -> Outcome {
        try begin(.immediate, on: connection)
        let batch = queue.take(.write, countMax: bounds.batchMax)
        if batch.count > 1 { hold?.isCrowded = true }
        var outcomes = Outcomes()
        for (index, operation) in batch.enumerated() {
            do {
                try connection.savepoint { try operation.perform(on: connection) }
                outcomes.done.append(operation)
            } catch  where isLost(error) {
                startOver(batch, .write, because: error, fault: .of(operation))
                return .lost
            } catch {
                outcomes.failed.append((operation, error))
                guard connection.isInTransaction else {
                    // SQLite gave up the whole transaction; the others start over without this one.
                    let others = outcomes.done + batch[(index + 1)...]
                    startOver(others, .write, because: error, fault: .everybodys)
                    outcomes.done = []
                    outcomes.answer()
                    return .served
                }
            }
        }
        return await commit(batch, outcomes, on: connection)
    }

    /// What became of the operations of one transaction. Nobody is told before it is over: an error, too, may
    /// come from memory that was out of date.
    private struct Outcomes {
        var done: [any ShardOperation] = []
        var failed: [(operation: any ShardOperation, error: any Error)] = []

        func answer() {
            for operation in done { operation.answer() }
            for (operation, error) in failed { operation.fail(error) }
        }
    }

    /// Begins a batch's transaction and holds its lock from the first moment.
    private func begin(_ kind: TransactionKind, on connection: Connection) throws {
        do {
            try connection.begin(kind)
            // This also takes the SHARED lock, which BEGIN DEFERRED does not, before anybody is taken from
            // the queue.
            guard try !isSchemaChanged(on: connection) else {
                throw SQLiteError(code: .schemaChanged, message: "the schema was changed by another process")
            }
            if let wanted = wantedSince { metrics.lockWaits.record(since: wanted) }
            wantedSince = nil
        } catch {
            connection.rollBackIfOpen()
            throw error
        }
    }

    /// Commits and answers, in this order.
    private func commit(
        _ batch: [any ShardOperation], _ outcomes: Outcomes, on connection: Connection
    ) async -> Outcome {
        var outcomes = outcomes
        let began = ContinuousClock.now
        let deadline = began + bounds.commitWait
        do {
            // > If BUSY is returned, the transaction remains active and the COMMIT can be retried later after
            // > the reader has had a chance to clear. https://www.sqlite.org/lang_transaction.html
            // The PENDING lock we keep meanwhile lets no new reader in.
            try await retryingWhileBusy(
                until: deadline, isBusy: { engine.remedy(for: $0, on: connection) == .retry }
            ) {
                try connection.commit()
            }
            // A batch that changed nothing (retries, refusals) wrote nothing that could have failed.
            try engine.verify(connection)
        } catch  where isLost(error) {
            // In doubt: nobody knows whether the commit reached the volume. Opening the file anew completes
            // or undoes it, and running the same operations again settles it, for each of them finds what it
            // made the first time (see `SessionStore`: a retry never duplicates).
            startOver(batch, .write, because: ChatError.outcomeUnknown(error), fault: .everybodys)
            return .lost
        } catch {
            // Definite: nothing of it is kept.
            connection.rollBackIfOpen()
            logger.error("commit failed", metadata: ["shard": "\(label)", "error": "\(error)"])
            outcomes.failed += outcomes.done.map { ($0, error) }
            outcomes.done = []
        }
        queue.finish(.write)
        if !outcomes.done.isEmpty {
            metrics.commits.record(since: began)
            metrics.writeBatches.record(batch.count)
            let logBytes = engine.logBytes(of: connection)
            queue.count {
                $0.writeBatches += 1
                $0.operations += outcomes.done.count
                $0.isRefused = false
                $0.isReadOnly = false
                $0.logBytes = logBytes
            }
        }
        purgeIfWanted()
        outcomes.answer()
        checkpointIfDue()
        return .served
    }

    /// Whose tries a lost transaction uses up.
    ///
    /// A page that is damaged fails whoever reads it, each time: that must not cost those who merely were in
    /// the same batch. They have their deadline as their only bound.
    private enum Fault {
        case of(any ShardOperation), everybodys, nobodys

        func involves(_ operation: any ShardOperation) -> Bool {
            switch self {
            case .of(let culprit): culprit === operation
            case .everybodys: true
            case .nobodys: false
            }
        }
    }

    /// Puts operations back at the head of the queue. Those that were tried often enough fail.
    private func startOver(
        _ operations: [any ShardOperation], _ kind: ShardOperationKind, because error: any Error, fault: Fault
    ) {
        logger.warning("transaction lost", metadata: ["shard": "\(label)", "error": "\(error)"])
        let again = operations.filter { $0.startOver(isInvolved: fault.involves($0)) }
        queue.finish(kind, again: again)
        for operation in operations where !again.contains(where: { $0 === operation }) {
            operation.fail(error)
        }
    }

    private func isLost(_ error: any Error) -> Bool {
        (error as? SQLiteError).map { engine.remedy(for: $0, on: connection) == .reopen } ?? false
    }
}

extension ChatError {
    /// Tried again and again, and lost each time.
    static func outcomeUnknown(_ error: any Error) -> ChatError {
        ChatError(
            .unavailable, "The storage failed while saving. Try again.", retryAfterMilliseconds: 1_000,
            cause: "commit: \(error)")
    }
}
