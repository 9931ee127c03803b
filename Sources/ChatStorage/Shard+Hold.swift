import ChatCore
import Logging

/// When a shard is given back, and what is done before.
extension Shard {
    /// The same at the end of a hold, when nobody waits for an answer.
    private static let logFramesIdle = 250
    /// A volume that is full, say, is not asked again before.
    private static let checkpointPause = Duration.seconds(10)
    /// How often a log that should not be emptied is looked at again, while the shard is copied.
    private static let copyPause = Duration.milliseconds(250)
    /// The longest between two looks whether an idle shard is still alone.
    private static let lingerStep = Duration.milliseconds(250)

    /// Between two batches: ends a hold that has lasted long enough for those who may wait for it.
    func restIfDue() async {
        guard let hold, ContinuousClock.now > hold.end(engine.patience, isAlone: isAlone()) else { return }
        letGo()
        try? await Task.sleep(for: engine.patience.rest)
    }

    /// The queue is empty: keeps the shard for the next operation for a while, or gives it back.
    func linger() {
        guard let hold else { return }
        let now = ContinuousClock.now
        idleSince = now
        let end = hold.end(engine.patience, isAlone: isAlone(), idleSince: now)
        guard end > now else {
            // No checkpoint: somebody probably waits.
            return letGo()
        }
        // One look serves the operations that come until then: a timer for each would cost more than they do.
        if let lingering, lingering.looks <= end { return }
        lingering?.task.cancel()
        // Not structured: it belongs to no caller. It ends with the hold, or when it finds the pump at work.
        lingering = Lingering(
            task: Task { await lingerOut() }, looks: min(end, now + Self.lingerStep))
    }

    /// What gives an idle shard back.
    struct Lingering {
        let task: Task<Void, Never>
        /// When it looks next whether that is due.
        var looks: ContinuousClock.Instant
    }

    private func lingerOut() async {
        while !Task.isCancelled, let looks = lingering?.looks {
            try? await Task.sleep(until: looks, clock: .continuous)
            // Another one has taken over.
            guard !Task.isCancelled else { return }
            // From here on nothing is awaited, so the pump cannot begin in between.
            guard let hold, let idleSince else { break }
            let now = ContinuousClock.now
            let end = hold.end(engine.patience, isAlone: isAlone(), idleSince: idleSince)
            guard end > now else {
                checkpointIfIdle()
                letGo()
                break
            }
            lingering?.looks = min(end, now + Self.lingerStep)
        }
        lingering = nil
    }

    /// Gives the shard back.
    func letGo() {
        guard let connection, var ended = hold else { return }
        ended.ended = .now
        (hold, lastHold) = (nil, ended)
        // One that never became a transaction was somebody else's.
        if wantedSince == nil { metrics.lockHolds.record(ended.taken.duration(to: .now)) }
        queue.count { $0.isHeld = false }
        do {
            try engine.release(connection)
        } catch {
            // Fenced, or a statement is open, which cannot be: either way closing gives the lock back.
            logger.warning("shard not released", metadata: ["shard": "\(label)", "error": "\(error)"])
            drop()
        }
    }

    /// Empties a long log. After the callers were answered, and never a reason to refuse one: what is in the
    /// log is on the volume.
    func checkpointIfDue() { checkpoint(ifAbove: bounds.logFramesMax) }

    func checkpointIfIdle() { checkpoint(ifAbove: Self.logFramesIdle) }

    private func checkpoint(ifAbove framesMax: Int) {
        guard hold != nil, let connection, engine.logFrames(of: connection) > framesMax else { return }
        if isCopied(engine.logFrames(of: connection)) { return }
        if let failed = checkpointFailed, ContinuousClock.now < failed + Self.checkpointPause { return }
        do {
            let began = ContinuousClock.now
            try engine.checkpoint(connection)
            metrics.checkpoints.record(since: began)
            checkpointFailed = nil
            let logBytes = engine.logBytes(of: connection)
            queue.count {
                $0.checkpoints += 1
                $0.logBytes = logBytes
            }
        } catch {
            checkpointFailed = .now
            queue.count { $0.checkpointFailures += 1 }
            logger.warning("checkpoint failed", metadata: ["shard": "\(label)", "error": "\(error)"])
            if engine.remedy(for: error, on: connection) == .reopen { drop() }
        }
    }

    /// Whether somebody copies the database file now, which has to stand still meanwhile.
    func isCopied(_ frames: Int) -> Bool {
        guard frames < CopyRequest.logFramesMax else { return false }
        if let seen = copySeen, ContinuousClock.now < seen + Self.copyPause { return true }
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        copySeen = CopyRequest.isMade(in: folder) ? .now : nil
        return copySeen != nil
    }
}
