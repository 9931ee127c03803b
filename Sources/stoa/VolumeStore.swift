import ChatCore
import ChatStorage
import Logging

/// The store that a volume's manifest names, and what its schema looks like.
enum VolumeStore {
    /// Opens the store.
    static func open(
        _ volume: Volume, presence: TaskPresence, logger: Logger
    ) throws -> any MeasuredStore {
        switch volume.manifest.store {
        case .sqlite: try SQLiteSessionStore(volume: volume, presence: presence, logger: logger)
        case .files: FileSessionStore(volume: volume)
        }
    }

    /// How the schema stands; a store of files has none and is always current.
    static func schemaStatus(of volume: Volume) async throws -> VolumeSchema {
        switch volume.manifest.store {
        case .sqlite: VolumeSchema(shards: try await SQLiteSessionStore.schemaStatus(of: volume))
        case .files: VolumeSchema(shards: [])
        }
    }
}

/// A store that a task serves from.
protocol MeasuredStore: SessionStore, MetricsSource {
    /// How many shards it has.
    var shardsCount: Int { get }
    /// The names of those that cannot be served.
    var refusedShards: [String] { get }
    /// The names of those that this program may only read.
    var readOnlyShards: [String] { get }
}

extension SQLiteSessionStore: MeasuredStore {}

extension FileSessionStore: MeasuredStore {
    var shardsCount: Int { 0 }
    var refusedShards: [String] { [] }
    var readOnlyShards: [String] { [] }
}

/// How the schema of all shards stands.
struct VolumeSchema {
    /// In the order of the shards.
    let shards: [SchemaStatus]

    /// Nothing was stored yet, or the first process is still setting the volume up.
    var isFresh: Bool { shards.contains { $0.state == .fresh } && !shards.contains { $0.state.isForeign } }

    /// Why a task refuses to serve; nil when every shard is current.
    var refusal: ChatError? {
        shards.enumerated().lazy.compactMap { $1.refusal(shard: "\($0)") }.first
    }
}

extension SchemaStatus.State {
    /// Made by another program: nothing this one may touch.
    fileprivate var isForeign: Bool {
        switch self {
        case .newer, .ahead, .drifted, .older: true
        case .fresh, .current: false
        }
    }

    /// One word for people and machines.
    var word: String {
        switch self {
        case .fresh: "fresh"
        case .older: "older"
        case .current: "current"
        case .ahead(isWritable: true): "newer, usable"
        case .ahead(isWritable: false): "newer, readable"
        case .newer: "newer"
        case .drifted: "drifted"
        }
    }
}
