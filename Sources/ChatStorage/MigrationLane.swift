import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where what is done to a whole shard runs, its migrations above all: off the cooperative pool, on a thread
/// of its own.
actor MigrationLane {
    private let executor = ShardExecutor(label: "stoa.migrate")
    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Sentences about one shard: who has so many faults needs a backup, not a longer list.
    private static let faultsMax = 20

    private static let partialSuffix = ".partial"

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
            let connection = try await held(shard, engine, .readWrite, until: deadline)
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
        _ migrator: Migrator, shard: ShardFile, to target: Int? = nil, engine: any StorageEngine,
        until deadline: ContinuousClock.Instant
    ) async throws -> [Migration] {
        do {
            try FileManager.default.createDirectory(atPath: shard.folder, withIntermediateDirectories: true)
        } catch {
            throw ChatError(
                .unavailable, "The volume cannot be written.", cause: "shard \(shard.name): \(error)")
        }
        return try await mapped(shard) {
            let connection = try await held(shard, engine, .create, until: deadline)
            let applied = try await migrator.migrate(
                connection, shard: shard.name, to: target, until: deadline)
            try connection.close()
            return applied
        }
    }

    /// The shard's file, opened and taken; closing it gives it back.
    func held(
        _ shard: ShardFile, _ engine: any StorageEngine, _ access: OpenOptions.Access,
        until deadline: ContinuousClock.Instant
    ) async throws -> Connection {
        let connection = try await retryingWhileBusy(until: deadline) {
            try engine.open(path: shard.path, access: access)
        }
        _ = try await retryingWhileBusy(until: deadline) { try engine.acquire(connection) }
        try engine.prepare(connection)
        return connection
    }

    /// Writes the shard as an ordinary SQLite database to `path`, which must not exist. The shard is held
    /// meanwhile. The file gets its name when it is whole: one that a killed export left behind is called
    /// `path` with ``partialSuffix``, and the next try removes it.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` at the deadline; `SystemCallError` for `path`.
    func export(
        _ shard: ShardFile, to path: String, engine: any StorageEngine,
        until deadline: ContinuousClock.Instant
    ) async throws {
        try await mapped(shard) {
            let partial = path + Self.partialSuffix
            var status = stat()
            guard lstat(path, &status) != 0 else { throw SystemCallError("open", EEXIST) }
            unlink(partial)
            let connection = try await held(shard, engine, .readWrite, until: deadline)
            try connection.export(to: partial)
            try connection.close()
            try systemCall("rename") { rename(partial, path) }
        }
    }

    /// What `PRAGMA integrity_check` and `foreign_key_check` say of the shard, at most
    /// ``faultsMax`` lines. The shard is held meanwhile.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` at the deadline.
    func faults(
        _ shard: ShardFile, engine: any StorageEngine, until deadline: ContinuousClock.Instant
    ) async throws -> [String] {
        try await mapped(shard) {
            let connection = try await held(shard, engine, .readWrite, until: deadline)
            let faults = try await retryingWhileBusy(until: deadline) {
                let pages = try connection.rows("PRAGMA integrity_check(\(Self.faultsMax))") {
                    row throws(SQLiteError) in try row.text(0)
                }
                let references = try connection.rows("PRAGMA foreign_key_check") {
                    row throws(SQLiteError) in try row.text(0)
                }
                return pages.filter { $0 != "ok" } + references.map { "a row of \($0) refers to nothing" }
            }
            try connection.close()
            return Array(faults.prefix(Self.faultsMax))
        }
    }

    func mapped<R>(_ shard: ShardFile, _ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch let error as SQLiteError {
            throw ChatError(error, shard: shard.name)
        }
    }
}
