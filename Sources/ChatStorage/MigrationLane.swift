import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where a shard's migrations run: off the cooperative pool, on a thread of their own.
actor MigrationLane {
    private let executor = ShardExecutor(label: "stoa.migrate")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init() {}

    /// Compares one shard's file with `migrator`. A file that does not exist is fresh, and is not made.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` at the deadline.
    func status(
        _ migrator: Migrator, shard: ShardFile, engine: any StorageEngine,
        until deadline: ContinuousClock.Instant
    ) async throws -> SchemaStatus {
        guard FileManager.default.fileExists(atPath: shard.path) else {
            return SchemaStatus(applied: [], pending: migrator.migrations, state: .fresh)
        }
        return try await mapped(shard) {
            // For writing: a read-only connection may not roll back what a killed writer left behind.
            let connection = try await retryingWhileBusy(until: deadline) {
                try engine.open(path: shard.path, access: .readWrite)
            }
            let status = try await retryingWhileBusy(until: deadline) {
                try connection.transaction(.deferred) { try migrator.status(of: connection) }
            }
            try connection.close()
            return status
        }
    }

    /// Makes the shard's file if it is missing and brings it up to date.
    /// - Returns: the migrations that this call applied.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` at the deadline.
    func migrate(
        _ migrator: Migrator, shard: ShardFile, engine: any StorageEngine,
        until deadline: ContinuousClock.Instant
    ) async throws -> [Migration] {
        do {
            try FileManager.default.createDirectory(atPath: shard.folder, withIntermediateDirectories: true)
        } catch {
            throw ChatError(
                .unavailable, "The volume cannot be written.", cause: "shard \(shard.name): \(error)")
        }
        return try await mapped(shard) {
            let connection = try await retryingWhileBusy(until: deadline) {
                try engine.open(path: shard.path, access: .create)
            }
            let applied = try await migrator.migrate(connection, shard: shard.name, until: deadline)
            try connection.close()
            return applied
        }
    }

    private func mapped<R>(_ shard: ShardFile, _ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch let error as SQLiteError {
            throw ChatError(error, shard: shard.name)
        }
    }
}
