import ChatCore

/// Brings the schema of a whole volume up: one process at a time on all hosts, shard after shard, and only
/// when every task that lives can go on afterwards, or is meant to stop.
package struct VolumeMigration: Sendable {
    /// What happens, for whoever shows it.
    package enum Event: Sendable {
        /// Another process migrates.
        case waiting(VolumeLock.Holder?)
        /// One shard is done; these were applied to it by this call.
        case migrated(shard: Int, [Migration])
    }

    private let volume: Volume
    private let target: Int?
    private let allowsEviction: Bool
    private let wait: Duration

    /// - Parameters:
    ///   - target: the last migration to apply; nil is all.
    ///   - allowsEviction: go on although a task that lives will have to stop serving.
    ///   - wait: for another process that migrates, and for shards that are taken.
    package init(
        of volume: Volume, to target: Int? = nil, allowsEviction: Bool = false,
        wait: Duration = .seconds(SQLiteSessionStore.migrationSecondsMax)
    ) {
        self.volume = volume
        self.target = target
        self.allowsEviction = allowsEviction
        self.wait = wait
    }

    /// Migrates. Safe to end at any moment and to run again: what is done is done, and a shard is changed in
    /// one transaction for each migration. A volume of files has no schema.
    /// - Throws: ``ChatError`` for a schema that is newer or drifted, for a migration that fails (its shard
    ///   is as it was), ``ChatError/Code/busy`` at the deadline and for tasks that could not go on.
    package func run(report: @Sendable (Event) -> Void = { _ in }) async throws {
        guard volume.manifest.store == .sqlite else { return }
        // Most often there is nothing to do, and then nobody has to wait for anybody.
        if try await pending().isEmpty { return }
        let deadline = ContinuousClock.now + wait
        let lock = try await VolumeLock.take(.migrate, in: volume.folder, until: deadline) {
            report(.waiting($0))
        }
        defer { lock.release() }
        let pending = try await pending()
        guard !pending.isEmpty else { return }
        if !allowsEviction { try await checkTasks(for: pending) }
        try await SQLiteSessionStore.migrate(volume, to: target, deadline: deadline) { shard, applied in
            report(.migrated(shard: shard, applied))
        }
    }

    /// What is to be applied to any shard.
    /// - Throws: ``ChatError`` for a shard that must not be touched.
    private func pending() async throws -> Set<Migration> {
        var pending = Set<Migration>()
        for (number, status) in try await SQLiteSessionStore.schemaStatus(of: volume).enumerated() {
            if status.isDone(upTo: target) { continue }
            guard status.state == .fresh || status.state == .older else {
                if let refusal = status.refusal(shard: volume.shardName(number)) { throw refusal }
                continue
            }
            pending.formUnion(status.pending.filter { $0.version <= target ?? .max })
        }
        return pending
    }

    /// - Throws: ``ChatError/Code/busy`` when a task lives that cannot write on after these migrations.
    private func checkTasks(for pending: Set<Migration>) async throws {
        let needed = pending.map(\.minWriter).max() ?? 0
        let stale = try await TaskPresence.living(on: volume).filter { $0.schema ?? 0 < needed }
        guard let first = stale.first else { return }
        let others = stale.count == 1 ? "" : " and \(stale.count - 1) more"
        throw ChatError(
            .busy,
            """
            Tasks of an older release still serve and could not go on: \(first.task) on \
            \(first.host)\(others). Stop them first, or let them be refused with `stoa migrate up --evict`.
            """,
            cause: "they know schema \(first.schema.map(String.init) ?? "unknown"), this needs \(needed)")
    }
}
