import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A shard's database as an ordinary one, made while tasks serve.
struct ShardCopy: Hashable, Sendable {
    let written: FileCopy.Written
    /// The state of the shard that was copied.
    let mark: ShardMark
    /// The longest time for which the shard was held, in milliseconds.
    let heldMilliseconds: Int
    /// How often the copy had to be made again, because the log was emptied into the file meanwhile.
    let repetitions: Int
}

extension MigrationLane {
    /// Tries without holding the shard; one more is made while it is held.
    private static let triesMax = 4
    /// Time stamps of files move in steps of up to 10 ms: what is written later than this has another one.
    private static let stampStep = Duration.milliseconds(25)

    /// Copies a shard to `path`, which is replaced.
    ///
    /// With the volume engine the shard is held twice for a moment, never while bytes are copied: the log is
    /// emptied, and from then on the database file stands still until the next time that is done, which
    /// ``CopyRequest`` asks to put off. Afterwards the file's state says whether it did. With the portable
    /// engine readers go on and writers wait until the copy is made.
    /// - Parameter known: the state that was copied the last time.
    /// - Returns: nil when the shard is still in that state.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` at the deadline; `SystemCallError` for `path`.
    func copy(
        _ shard: ShardFile, to path: String, unless known: ShardMark?, engine: any StorageEngine,
        until deadline: ContinuousClock.Instant
    ) async throws -> ShardCopy? {
        try await mapped(shard) {
            guard engine.keepsLog else {
                return try await copyHeld(shard, to: path, unless: known, engine, until: deadline)
            }
            let request = try CopyRequest.make(in: shard.folder)
            defer { try? request?.unlock() }
            var longest = 0
            for repetition in 0..<Self.triesMax {
                let (mark, held) = try await settle(shard, engine, until: deadline)
                longest = max(longest, held)
                if mark == known { return nil }
                try await Task.sleep(for: Self.stampStep)
                let written = try FileCopy.copy(
                    try OpenFile(shard.path, O_RDONLY), to: path, edit: DatabaseHeader.makeOrdinary)
                let (isSame, again) = try await isUnchanged(shard, since: mark, engine, until: deadline)
                longest = max(longest, again)
                guard isSame else { continue }
                return ShardCopy(
                    written: written, mark: mark, heldMilliseconds: longest, repetitions: repetition)
            }
            return try await copyHeld(shard, to: path, unless: known, engine, until: deadline)
        }
    }

    /// Empties the log, and says what the file's state is then and for how many milliseconds that took.
    private func settle(
        _ shard: ShardFile, _ engine: any StorageEngine, until deadline: ContinuousClock.Instant
    ) async throws -> (ShardMark, Int) {
        let connection = try await held(shard, engine, .readWrite, until: deadline)
        let start = ContinuousClock.now
        let mark = try await retryingWhileBusy(until: deadline) {
            // Has SQLite look at the log.
            _ = try connection.pragma("schema_version")
            if engine.logFrames(of: connection) > 0 { try engine.checkpoint(connection) }
            return try ShardMark(of: try OpenFile(shard.path, O_RDONLY))
        }
        try connection.close()
        return (mark, Int(start.duration(to: .now) / .milliseconds(1)))
    }

    /// Whether the file is still in the state `mark`, proven while nobody else can write.
    private func isUnchanged(
        _ shard: ShardFile, since mark: ShardMark, _ engine: any StorageEngine,
        until deadline: ContinuousClock.Instant
    ) async throws -> (Bool, Int) {
        let connection = try await held(shard, engine, .readWrite, until: deadline)
        let start = ContinuousClock.now
        _ = try connection.pragma("schema_version")
        let isSame = try ShardMark(of: try OpenFile(shard.path, O_RDONLY)) == mark
        try connection.close()
        return (isSame, Int(start.duration(to: .now) / .milliseconds(1)))
    }

    /// Copies while no other connection can write.
    private func copyHeld(
        _ shard: ShardFile, to path: String, unless known: ShardMark?, _ engine: any StorageEngine,
        until deadline: ContinuousClock.Instant
    ) async throws -> ShardCopy? {
        // Opened first and closed last: closing any descriptor of a file ends this process's POSIX locks on
        // it (fcntl(2)), which are SQLite's in the stock VFS.
        let file = try OpenFile(shard.path, O_RDONLY)
        let connection = try await held(shard, engine, .readWrite, until: deadline)
        defer { try? connection.close() }
        try await retryingWhileBusy(until: deadline) { try connection.begin(.immediate) }
        let start = ContinuousClock.now
        if engine.logFrames(of: connection) > 0 {
            connection.rollBackIfOpen()
            try engine.checkpoint(connection)
        }
        let mark = try ShardMark(of: file)
        if mark == known { return nil }
        let written = try FileCopy.copy(file, to: path, edit: DatabaseHeader.makeOrdinary)
        connection.rollBackIfOpen()
        return ShardCopy(
            written: written, mark: mark,
            heldMilliseconds: Int(start.duration(to: .now) / .milliseconds(1)), repetitions: Self.triesMax)
    }
}
