import ChatCore
import Logging

/// Deletion for good.
///
/// What is deleted is overwritten in the database at once (`secure_delete`), but the log still holds pages
/// from before: those that wait for a checkpoint, and those of its earlier lives, since it never gets
/// shorter.
extension Shard {
    private static let purgeStep = Duration.milliseconds(100)

    /// Empties the log, however short it is, and overwrites what it held.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` when that is not possible within two waits, because
    ///   somebody copies the shard, say.
    func purge() async throws {
        let deadline = ContinuousClock.now + bounds.wait * 2
        while true {
            isPurgeWanted = true
            isPurged = false
            // Its batch ends with the purge, before it is answered.
            try await write { _ in }
            if isPurged { return }
            guard ContinuousClock.now < deadline else {
                throw ChatError.busy("The storage", cause: "shard \(label): its log could not be emptied")
            }
            try await Task.sleep(for: Self.purgeStep)
        }
    }

    /// At the end of a batch, while the shard is held.
    func purgeIfWanted() {
        guard isPurgeWanted, hold != nil, let connection else { return }
        isPurgeWanted = false
        let frames = engine.logFrames(of: connection)
        if frames > 0, isCopied(frames) { return }
        do {
            if frames > 0 { try engine.checkpoint(connection) }
            try engine.purge(connection)
            isPurged = true
        } catch {
            logger.warning("purge failed", metadata: ["shard": "\(label)", "error": "\(error)"])
            if engine.remedy(for: error, on: connection) == .reopen { drop() }
        }
    }
}
