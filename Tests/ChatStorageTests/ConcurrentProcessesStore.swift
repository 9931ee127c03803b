import ChatCore
import Logging
import Testing

@testable import ChatStorage

/// Opens the store that a volume's manifest names, and looks into it afterwards.
enum OpenStore {
    static func open(_ volume: Volume) async throws -> any SessionStore {
        switch volume.manifest.store {
        case .files: FileSessionStore(volume: volume)
        case .sqlite: try SQLiteSessionStore(volume: volume, logger: Logger(label: "test"))
        }
    }

    /// Has SQLite look at every page of every shard.
    static func checkIntegrity(of volume: Volume) async throws {
        for shard in 0..<volume.manifest.shards {
            let path = "\(volume.shardFolder(shard))/sessions.db"
            let connection = try await volume.storageEngine().held(path)
            #expect(try connection.pragma("integrity_check") == "ok", "shard \(shard)")
        }
    }
}
