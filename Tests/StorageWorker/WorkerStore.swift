import ChatCore
import ChatStorage
import Logging

/// Opens the store that a volume's manifest names.
enum WorkerStore {
    static func open(_ volume: Volume, presence: TaskPresence? = nil) async throws -> any SessionStore {
        switch volume.manifest.store {
        case .files:
            return FileSessionStore(volume: volume)
        case .sqlite:
            // All workers at once: one of them migrates each shard, the others wait for it.
            try await SQLiteSessionStore.migrate(volume)
            return try SQLiteSessionStore(
                volume: volume, presence: presence, logger: Logger(label: "storage-worker"))
        }
    }

    /// What SQLite finds wrong with the shards; nothing with a store of files. All stores are closed.
    static func faults(_ volume: Volume) async throws -> [String] {
        guard volume.manifest.store == .sqlite else { return [] }
        var faults = [String]()
        for shard in 0..<volume.manifest.shards {
            faults += try await SQLiteSessionStore.faults(of: shard, in: volume).map {
                "shard \(shard): \($0)"
            }
        }
        return faults
    }
}
