import ChatCore
package import Logging

extension SQLiteSessionStore {
    /// How long `migrate` waits for other processes by default.
    package static let migrationSecondsMax = 60

    /// The store of a volume. Its shards are opened one by one, as they are needed; one whose schema is not
    /// this program's is refused then (``schemaStatus(of:)`` tells before).
    /// - Parameter presence: this task's, for an engine that keeps a shard longer while no other task lives.
    ///   Without it others are taken to live.
    /// - Throws: ``ChatError`` when this program has no such engine.
    package convenience init(volume: Volume, presence: TaskPresence? = nil, logger: Logger) throws {
        self.init(
            folder: volume.folder, shardCount: volume.manifest.shards, engine: try volume.storageEngine(),
            isAlone: { presence?.isAlone ?? false }, logger: logger)
    }

    /// How each shard's schema stands to this program's, in the order of the shards. Changes nothing.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` when a shard stays locked.
    package static func schemaStatus(of volume: Volume) async throws -> [SchemaStatus] {
        try await schemaStatus(
            folder: volume.folder, shardCount: volume.manifest.shards, engine: try volume.storageEngine())
    }

    /// Brings all shards up to this program's schema, one after the other, without asking who else lives: see
    /// ``VolumeMigration`` for that. Doing it again, here or elsewhere at the same time, does nothing more:
    /// exactly one process applies a migration to a shard, the others wait for it.
    /// - Parameters:
    ///   - target: the last migration to apply; nil is all.
    ///   - deadline: when to give up waiting for other processes.
    ///   - progress: called after each shard with its number and the migrations that this call applied to it.
    /// - Throws: ``ChatError`` for a schema that is newer or drifted, a migration that fails (its shard is as
    ///   it was, those before it stay migrated), ``ChatError/Code/busy`` at the deadline.
    package static func migrate(
        _ volume: Volume, to target: Int? = nil,
        deadline: ContinuousClock.Instant = .now + .seconds(migrationSecondsMax),
        progress: @Sendable (_ shard: Int, _ applied: [Migration]) -> Void = { _, _ in }
    ) async throws {
        try await migrate(
            folder: volume.folder, shardCount: volume.manifest.shards, engine: try volume.storageEngine(),
            target: target, deadline: deadline, progress: progress)
    }

    /// Writes one shard as an ordinary SQLite database, for `sqlite3` and other tools. The shard is held from
    /// other tasks for as long as that takes.
    /// - Parameter path: absolute; there must be nothing yet.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` when the shard stays taken; `SystemCallError` when
    ///   the file cannot be made.
    package static func exportDatabase(of shard: Int, in volume: Volume, to path: String) async throws {
        try await MigrationLane().export(
            ShardFile(shard, of: volume.manifest.shards, volume: volume.folder), to: path,
            engine: try volume.storageEngine(), until: .now + .seconds(migrationSecondsMax))
    }

    /// What SQLite finds wrong with one shard, of which it reads every page; empty when it is sound. The
    /// shard is held from other tasks for as long as that takes.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` when the shard stays taken.
    package static func faults(of shard: Int, in volume: Volume) async throws -> [String] {
        try await MigrationLane().faults(
            ShardFile(shard, of: volume.manifest.shards, volume: volume.folder),
            engine: try volume.storageEngine(), until: .now + .seconds(migrationSecondsMax))
    }

    static func schemaStatus(
        folder: String, shardCount: Int, engine: any StorageEngine, migrations: [Migration] = .embedded
    ) async throws -> [SchemaStatus] {
        let lane = MigrationLane()
        let migrator = Migrator(migrations: migrations, host: Volume.hostName())
        var all: [SchemaStatus] = []
        for number in 0..<shardCount {
            all.append(
                try await lane.status(
                    migrator, shard: ShardFile(number, of: shardCount, volume: folder), engine: engine,
                    until: .now + .milliseconds(Limits.storeWaitMilliseconds)))
        }
        return all
    }

    static func migrate(
        folder: String, shardCount: Int, engine: any StorageEngine, migrations: [Migration] = .embedded,
        target: Int? = nil,
        deadline: ContinuousClock.Instant = .now + .seconds(migrationSecondsMax),
        progress: @Sendable (_ shard: Int, _ applied: [Migration]) -> Void = { _, _ in }
    ) async throws {
        let lane = MigrationLane()
        let migrator = Migrator(migrations: migrations, host: Volume.hostName())
        for number in 0..<shardCount {
            let file = ShardFile(number, of: shardCount, volume: folder)
            progress(
                number,
                try await lane.migrate(migrator, shard: file, to: target, engine: engine, until: deadline))
        }
    }
}

extension Volume {
    /// - Throws: ``ChatError/Code/unavailable`` when this program cannot open this volume.
    func storageEngine() throws -> any StorageEngine {
        switch manifest.engine {
        case .portable: PortableEngine()
        case .volume: VolumeEngine()
        case nil:
            throw ChatError(
                .unavailable, "This program cannot open a volume of this kind.", cause: "it has no engine")
        }
    }
}
