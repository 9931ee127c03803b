import ChatCore
import Logging

/// One transaction of a shard.
///
/// Operations are taken out of the queue only after the transaction has begun: those that come while another
/// process holds the lock join the batch, and those whose deadline passes in the meantime were never touched.
extension Shard {
    /// - Returns: false when another process is in the way.
    /// - Throws: when no transaction can be begun for another reason.
    func serveReads(on connection: Connection) throws -> Bool {
        guard try begin(.deferred, on: connection) else { return false }
        defer { engine.endBatch(on: connection) }
        var mustReopen = false
        var done: [any ShardOperation] = []
        for operation in queue.take(.read, countMax: bounds.batchMax) {
            do {
                try operation.perform(on: connection)
                done.append(operation)
            } catch {
                mustReopen = mustReopen || mustDrop(after: error)
                operation.fail(error)
            }
        }
        // Ends the transaction and gives up the SHARED lock; there is nothing to commit.
        connection.rollBackIfOpen()
        queue.finish(.read)
        queue.count {
            $0.readBatches += 1
            $0.operations += done.count
        }
        for operation in done { operation.answer() }
        if mustReopen { drop() }
        return true
    }

    /// - Returns: false when another process is in the way.
    /// - Throws: when no transaction can be begun for another reason.
    func serveWrites(on connection: Connection) async throws -> Bool {
        guard try begin(.immediate, on: connection) else { return false }
        defer { engine.endBatch(on: connection) }
        let batch = queue.take(.write, countMax: bounds.batchMax)
        var done: [any ShardOperation] = []
        for (index, operation) in batch.enumerated() {
            do {
                try connection.savepoint { try operation.perform(on: connection) }
                done.append(operation)
            } catch {
                operation.fail(error)
                if !connection.isInTransaction {
                    // SQLite gave up the whole transaction; the others start over without this one.
                    startOver(done + batch[(index + 1)...], because: error)
                    return true
                }
            }
        }
        await commit(done, on: connection)
        return true
    }

    /// Begins a batch's transaction and holds its lock from the first moment.
    private func begin(_ kind: TransactionKind, on connection: Connection) throws -> Bool {
        do {
            try engine.beginBatch(kind, on: connection)
            // This also takes the SHARED lock, which BEGIN DEFERRED does not, before anybody is taken from
            // the queue.
            guard try !isSchemaChanged(on: connection) else {
                throw SQLiteError(code: .schemaChanged, message: "the schema was changed by another process")
            }
            return true
        } catch {
            connection.rollBackIfOpen()
            engine.endBatch(on: connection)
            guard let error = error as? SQLiteError, engine.remedy(for: error) == .retry else { throw error }
            return false
        }
    }

    /// Commits and answers, in this order.
    private func commit(_ done: [any ShardOperation], on connection: Connection) async {
        let deadline = ContinuousClock.now + bounds.commitWait
        do {
            // > If BUSY is returned, the transaction remains active and the COMMIT can be retried later after
            // > the reader has had a chance to clear. https://www.sqlite.org/lang_transaction.html
            // The PENDING lock we keep meanwhile lets no new reader in.
            try await retryingWhileBusy(until: deadline, isBusy: { engine.remedy(for: $0) == .retry }) {
                try connection.commit()
            }
            queue.finish(.write)
            queue.count {
                $0.writeBatches += 1
                $0.operations += done.count
            }
            for operation in done { operation.answer() }
        } catch {
            connection.rollBackIfOpen()
            queue.finish(.write)
            let isBusy = (error as? SQLiteError).map { engine.remedy(for: $0) == .retry } ?? false
            logger.error("commit failed", metadata: ["shard": "\(label)", "error": "\(error)"])
            // After anything but `busy` nobody knows whether the commit reached the volume: the file is
            // opened anew, which completes or undoes it, and the callers settle it by sending the same again.
            if !isBusy { drop() }
            for operation in done { operation.fail(isBusy ? error : ChatError.outcomeUnknown(error)) }
        }
    }

    private func startOver(_ operations: [any ShardOperation], because error: any Error) {
        logger.warning("transaction lost", metadata: ["shard": "\(label)", "error": "\(error)"])
        let again = operations.filter { $0.startOver() }
        queue.finish(.write, again: again)
        for operation in operations where !again.contains(where: { $0 === operation }) {
            operation.fail(error)
        }
        if mustDrop(after: error) { drop() }
    }

    private func mustDrop(after error: any Error) -> Bool {
        (error as? SQLiteError).map { engine.remedy(for: $0) == .reopen } ?? false
    }
}

extension ChatError {
    /// A commit that failed half-way.
    static func outcomeUnknown(_ error: any Error) -> ChatError {
        ChatError(
            .unavailable, "The storage failed while saving. Try again.", retryAfterMilliseconds: 1_000,
            cause: "commit: \(error)")
    }
}
