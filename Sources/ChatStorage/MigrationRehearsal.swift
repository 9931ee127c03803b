import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Applies what is pending to a copy of a shard, and throws the copy away: what a migration will do and how
/// long it will take, without doing it.
package enum MigrationRehearsal {
    /// How it went on one shard.
    package struct Report: Hashable, Sendable, Codable {
        /// The shard's number.
        package let shard: Int
        /// The migrations applied to the copy.
        package let applied: [String]
        /// How long they took there.
        package let milliseconds: Int
        /// How large the copy was, in bytes.
        package let bytes: Int
        /// What SQLite found wrong with the copy afterwards.
        package let faults: [String]
    }

    /// Rehearses on one shard. The shard is held for as long as its copy takes.
    /// - Parameter scratch: a folder for the copy; absolute, and it exists.
    /// - Returns: nil when nothing is pending.
    /// - Throws: ``ChatError`` for a migration that fails, or a shard that must not be touched;
    ///   ``ChatError/Code/busy`` when it stays taken; `SystemCallError` for the scratch folder.
    package static func run(
        on shard: Int, of volume: Volume, to target: Int?, scratch: String
    ) async throws -> Report? {
        let migrator = Migrator(host: Volume.hostName())
        let file = ShardFile(shard, of: volume.manifest.shards, volume: volume.folder)
        let engine = try volume.storageEngine()
        let deadline = ContinuousClock.now + .seconds(SQLiteSessionStore.migrationSecondsMax)
        let lane = MigrationLane()
        let status = try await lane.status(migrator, shard: file, engine: engine, until: deadline)
        if status.isDone(upTo: target) { return nil }
        let copy = ShardFile(shard, of: volume.manifest.shards, volume: scratch)
        try? FileManager.default.removeItem(atPath: copy.folder)
        defer { try? FileManager.default.removeItem(atPath: copy.folder) }
        try FileManager.default.createDirectory(atPath: copy.folder, withIntermediateDirectories: true)
        if status.state != .fresh {
            try await lane.export(file, to: copy.path, engine: engine, until: deadline)
        }
        let bytes = AtomicFile.bytes(of: copy.path)
        let start = ContinuousClock.now
        let applied = try await lane.migrate(
            migrator, shard: copy, to: target, engine: PortableEngine(), until: deadline)
        let duration = start.duration(to: .now)
        return Report(
            shard: shard, applied: applied.map(\.name), milliseconds: Int(duration / .milliseconds(1)),
            bytes: bytes,
            faults: try await lane.faults(copy, engine: PortableEngine(), until: deadline))
    }
}
