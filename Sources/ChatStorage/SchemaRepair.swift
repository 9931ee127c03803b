import ChatCore

/// Compares a shard's schema with what its history says, and rewrites a history that is wrong. The schema
/// itself is never touched here.
package enum SchemaRepair {
    /// What was found in, or done to, one shard; sentences for people.
    package struct Report: Hashable, Sendable, Codable {
        /// The shard's number.
        package let shard: Int
        /// The version that its tables are of; nil when they are of none that this program knows.
        package let version: Int?
        /// What is wrong, with the file's name where a file is meant; empty when nothing is.
        package let problems: [String]
        /// What was changed.
        package let changes: [String]
    }

    /// Compares the history's checksums and the schema's objects with this program's migrations.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` when a shard stays taken.
    package static func verify(_ volume: Volume) async throws -> [Report] {
        try await eachShard(of: volume) { connection, number, migrator in
            try connection.transaction(.deferred) { try verify(connection, number, migrator) }
        }
    }

    /// Makes the histories say what the shards' objects are: rewrites names, checksums and `user_version`
    /// of a shard whose objects are exactly those of one of this program's versions. Anything else is
    /// reported and left as it is.
    /// - Throws: as ``verify(_:)``.
    package static func repair(_ volume: Volume) async throws -> [Report] {
        try await eachShard(of: volume) { connection, number, migrator in
            try connection.transaction(.immediate) {
                let found = try verify(connection, number, migrator)
                guard !found.problems.isEmpty, let version = found.version, try hasHistory(connection),
                    try !SchemaHistory(connection).applied().contains(where: {
                        $0.version > migrator.migrations.count
                    })
                else { return found }
                return try rewrite(connection, number, migrator, upTo: version)
            }
        }
    }

    /// Writes the history of shards that have tables but none, for example after a restore by other means.
    /// - Parameter version: what the shards are taken for; nil is whatever their objects say. Never against
    ///   them.
    /// - Throws: as ``verify(_:)``.
    package static func baseline(_ volume: Volume, at version: Int?) async throws -> [Report] {
        try await eachShard(of: volume) { connection, number, migrator in
            try connection.transaction(.immediate) {
                let found = try verify(connection, number, migrator)
                guard try !hasHistory(connection), let real = found.version, real > 0 else { return found }
                guard version ?? real == real else {
                    return Report(
                        shard: number, version: real,
                        problems: ["its tables are those of version \(real), not \(version ?? 0)"],
                        changes: [])
                }
                return try rewrite(connection, number, migrator, upTo: real)
            }
        }
    }

    private static func eachShard(
        of volume: Volume,
        _ body: @escaping @Sendable (Connection, Int, Migrator) throws -> Report
    ) async throws -> [Report] {
        let migrator = Migrator(host: Volume.hostName())
        let engine = try volume.storageEngine()
        let lane = MigrationLane()
        var reports: [Report] = []
        for number in 0..<volume.manifest.shards {
            let file = ShardFile(number, of: volume.manifest.shards, volume: volume.folder)
            let deadline = ContinuousClock.now + .seconds(SQLiteSessionStore.migrationSecondsMax)
            reports.append(
                try await lane.inspect(file, engine: engine, until: deadline) {
                    try body($0, number, migrator)
                } ?? Report(shard: number, version: 0, problems: ["it has not been made yet"], changes: []))
        }
        return reports
    }

    private static func hasHistory(_ connection: Connection) throws(SQLiteError) -> Bool {
        try connection.first(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", [.text(SchemaHistory.table)]
        ) { _ throws(SQLiteError) in true } ?? false
    }

    private static func verify(_ connection: Connection, _ number: Int, _ migrator: Migrator) throws -> Report
    {
        let status = try migrator.status(of: connection)
        let objects = try SchemaObjects(of: connection)
        let version = try self.version(of: objects, migrator)
        var problems: [String] = []
        switch status.state {
        case .drifted(let sentence): problems.append(sentence)
        case .newer, .ahead:
            problems.append("its schema \(status.version) is newer than this program, which cannot judge it")
        case .fresh, .older, .current:
            let wanted = try SchemaObjects(madeBy: migrator.migrations.prefix(status.version))
            problems += objects.differences(from: wanted)
        }
        return Report(shard: number, version: version, problems: problems, changes: [])
    }

    /// The newest version whose migrations make exactly these objects.
    private static func version(of objects: SchemaObjects, _ migrator: Migrator) throws -> Int? {
        for version in stride(from: migrator.migrations.count, through: 0, by: -1)
        where try SchemaObjects(madeBy: migrator.migrations.prefix(version)) == objects {
            return version
        }
        return nil
    }

    private static func rewrite(
        _ connection: Connection, _ number: Int, _ migrator: Migrator, upTo version: Int
    ) throws -> Report {
        let history = SchemaHistory(connection)
        try history.prepare()
        let known = Dictionary(uniqueKeysWithValues: try history.applied().map { ($0.version, $0) })
        var changes: [String] = []
        for migration in migrator.migrations.prefix(version) {
            let row = known[migration.version]
            if row?.name == migration.name, row?.checksum == migration.checksum { continue }
            changes.append(
                "\(migration.name) \(row == nil ? "was added to" : "was corrected in") the history")
            try history.add(
                migration, at: row?.applied ?? .now(), host: row?.host ?? migrator.host,
                durationMilliseconds: row?.durationMilliseconds ?? 0)
        }
        let gone = try connection.run(
            "DELETE FROM schema_migration WHERE version > ? OR version < 1", [.integer(version)])
        if gone > 0 { changes.append("\(gone) rows of later versions were removed from the history") }
        if try connection.pragma("user_version") != "\(version)" {
            changes.append("user_version is \(version) now")
            try connection.run("PRAGMA user_version = \(version)")
        }
        return Report(shard: number, version: version, problems: [], changes: changes)
    }
}

extension MigrationLane {
    /// Runs `body` on a shard that is held meanwhile; nil when its file does not exist.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` at the deadline.
    func inspect<Value: Sendable>(
        _ shard: ShardFile, engine: any StorageEngine, until deadline: ContinuousClock.Instant,
        _ body: @Sendable (Connection) throws -> Value
    ) async throws -> Value? {
        guard AtomicFile.exists(shard.path) else { return nil }
        return try await mapped(shard) {
            let connection = try await held(shard, engine, .readWrite, until: deadline)
            let value = try await retryingWhileBusy(until: deadline) { try body(connection) }
            try connection.close()
            return value
        }
    }
}
