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
}
