import ArgumentParser
import ChatStorage

/// Which volume, and what it must be.
struct VolumeOptions: ParsableArguments {
    /// What the volume is taken for when nobody names one.
    static let folderDefault = "./stoa-volume"

    @Option(help: "Folder that all tasks share. [env: STOA_VOLUME] (default: \(VolumeOptions.folderDefault))")
    var volume: String?

    /// The folder by flag, environment or default.
    var folder: String {
        get throws { try Setting.value(volume, "STOA_VOLUME", default: Self.folderDefault) }
    }
}

/// What a new volume becomes.
struct NewVolumeOptions: ParsableArguments {
    @Option(help: "How a new volume keeps sessions: sqlite or files. [env: STOA_STORE] (default: sqlite)")
    var store: VolumeManifest.Store?

    @Option(help: "How SQLite reaches it: volume or portable. [env: STOA_ENGINE] (default: volume)")
    var engine: VolumeManifest.Engine?

    @Option(
        help:
            "Databases that a new volume is spread over, 1 to 256. [env: STOA_SHARDS] (default: 16)"
    )
    var shards: Int?

    /// The engine that a new volume gets; nil where none is used.
    var plannedEngine: VolumeManifest.Engine? {
        get throws {
            guard try Setting.optional(store, "STOA_STORE") ?? .sqlite == .sqlite else { return nil }
            return try Setting.optional(engine, "STOA_ENGINE") ?? Volume.engineDefault
        }
    }

    /// Opens the volume, or creates it as these options say.
    func openOrCreate(at folder: String) async throws -> Volume {
        let shards = try Setting.check(
            Setting.value(shards, "STOA_SHARDS", default: Volume.shardsDefault), "--shards",
            in: 1...VolumeManifest.shardsMax)
        return try await Volume.openOrCreate(
            at: folder, store: Setting.optional(store, "STOA_STORE"),
            engine: Setting.optional(engine, "STOA_ENGINE"),
            shards: shards)
    }
}

extension VolumeManifest.Store: ExpressibleByArgument {}
extension VolumeManifest.Engine: ExpressibleByArgument {}
