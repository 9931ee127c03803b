import ChatCore

/// Brings one shard's schema up to this program's.
///
/// Any number of processes may start at once: whoever gets the shard's lock reads the history *then*, so
/// exactly one of them applies a migration and the others find it done. A migration, its row in the history
/// and `user_version` are one transaction: a failing one leaves the shard as it was.
struct Migrator: Sendable {
    let migrations: [Migration]
    /// Written into the history.
    let host: String

    init(migrations: [Migration] = .embedded, host: String) {
        precondition(
            migrations.map(\.version) == Array((1...).prefix(migrations.count)),
            "migrations are numbered 1, 2, 3 without gaps")
        self.migrations = migrations
        self.host = host
    }

    /// Compares a shard's history with the migrations.
    /// - Throws: `SQLiteError`; `busy` is worth a retry.
    func status(of connection: Connection) throws(SQLiteError) -> SchemaStatus {
        let userVersion =
            try connection.first("PRAGMA user_version") { row throws(SQLiteError) in try row.int(0) } ?? 0
        let names = try connection.rows("SELECT name FROM sqlite_schema WHERE type = 'table'") {
            row throws(SQLiteError) in
            try row.text(0)
        }
        guard names.contains("schema_migration") else {
            let isFresh = names.isEmpty && userVersion == 0
            return SchemaStatus(
                applied: [], pending: isFresh ? migrations : [],
                state: isFresh ? .fresh : .drifted("it has tables but no history: not a shard of Stoa"))
        }
        let applied = try SchemaHistory(connection).applied()
        return judge(applied, userVersion: userVersion)
    }

    private func judge(_ applied: [SchemaStatus.Applied], userVersion: Int) -> SchemaStatus {
        func status(_ state: SchemaStatus.State, pending: [Migration] = []) -> SchemaStatus {
            SchemaStatus(applied: applied, pending: pending, state: state)
        }
        for (index, found) in applied.enumerated() {
            guard found.version == index + 1 else {
                return status(.drifted("migration \(index + 1) is missing from its history"))
            }
            guard index < migrations.count else { break }
            let known = migrations[index]
            guard found.name == known.name else {
                return status(
                    .drifted("migration \(found.version) is \(found.name) there and \(known.name) here"))
            }
            guard found.checksum == known.checksum else {
                return status(.drifted("\(found.name) was changed after it had been applied"))
            }
        }
        guard userVersion == applied.count else {
            return status(.drifted("user_version is \(userVersion) after \(applied.count) migrations"))
        }
        if applied.count > migrations.count {
            let later = applied.dropFirst(migrations.count)
            guard later.allSatisfy({ $0.minReader <= migrations.count }) else { return status(.newer) }
            return status(.ahead(isWritable: later.allSatisfy { $0.minWriter <= migrations.count }))
        }
        let pending = Array(migrations.dropFirst(applied.count))
        return status(pending.isEmpty ? .current : .older, pending: pending)
    }

    /// Applies what is missing, each migration in a transaction of its own, waiting for other processes
    /// without blocking. A fresh shard gets all of them in one: tasks that start together on a fresh volume
    /// would take one that is half-way for an older volume, and refuse it.
    /// - Parameter target: the last version to apply; nil is all.
    /// - Returns: the migrations that this call applied.
    /// - Throws: ``ChatError`` when the schema is newer or drifted, or when a migration fails, naming it;
    ///   `SQLiteError` `busy` at the deadline; `CancellationError`.
    func migrate(
        _ connection: Connection, shard: String, to target: Int? = nil,
        until deadline: ContinuousClock.Instant,
        isolation: isolated (any Actor)? = #isolation
    ) async throws -> [Migration] {
        var done: [Migration] = []
        while true {
            try await retryingWhileBusy(until: deadline) { try connection.begin(.immediate) }
            do {
                let status = try status(of: connection)
                let wanted = status.pending.filter { $0.version <= target ?? .max }
                let due = status.state == .fresh ? wanted : Array(wanted.prefix(1))
                guard status.state == .fresh || status.state == .older, !due.isEmpty else {
                    connection.rollBackIfOpen()
                    // Older than this program's by request only, that is when a target was named.
                    if !status.isDone(upTo: target), let refusal = status.refusal(shard: shard) {
                        throw refusal
                    }
                    return done
                }
                for next in due { try apply(next, to: connection, shard: shard) }
                // A reader of another process may hold the commit up.
                try await retryingWhileBusy(until: deadline) { try connection.commit() }
                done += due
            } catch {
                connection.rollBackIfOpen()
                throw error
            }
        }
    }

    private func apply(_ migration: Migration, to connection: Connection, shard: String) throws {
        let clock = ContinuousClock()
        let start = clock.now
        do {
            try SchemaHistory(connection).prepare()
            // Enforced while a table is rebuilt, foreign keys would delete its children; what is left is
            // checked below.
            try connection.run("PRAGMA defer_foreign_keys = ON")
            try connection.runScript(migration.sql)
        } catch {
            throw Self.failure(of: migration, shard: shard, "\(error)")
        }
        let orphan = try connection.first("PRAGMA foreign_key_check") { row throws(SQLiteError) in
            try row.text(0)
        }
        if let orphan {
            throw Self.failure(of: migration, shard: shard, "it left rows without a parent in \(orphan)")
        }
        let duration = start.duration(to: clock.now)
        try SchemaHistory(connection).add(
            migration, at: .now(), host: host, durationMilliseconds: Int(duration / .milliseconds(1)))
        try connection.run("PRAGMA user_version = \(migration.version)")
    }

    private static func failure(of migration: Migration, shard: String, _ cause: String) -> ChatError {
        ChatError(
            .internal, "The migration \(migration.name) failed on shard \(shard); the shard is as it was.",
            cause: cause)
    }
}
