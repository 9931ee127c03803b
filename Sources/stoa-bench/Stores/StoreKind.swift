import ChatCore
import ChatStorage
import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What can be measured, by the name on the command line.
enum StoreKind: String, CaseIterable, Codable, Sendable {
    case volume
    case portable
    case delete
    case truncate
    case walExclusive = "wal-exclusive"
    case files
    case naiveFiles = "naive-files"
    case memory
    case redis
    case postgres

    /// What it is, in a line.
    var summary: String {
        switch self {
        case .volume: "SQLite, the engine of this project: what `stoa serve` uses"
        case .portable: "SQLite with its stock VFS: PERSIST, FULL, waits of our own"
        case .delete: "SQLite as it is installed: journal DELETE, one transaction an operation"
        case .truncate: "the same with journal TRUNCATE"
        case .walExclusive: "WAL in EXCLUSIVE locking: one process only, nobody else may open it"
        case .files: "one JSON file a session: temporary file, fsync, rename"
        case .naiveFiles: "one JSON file a session, written over in place: not durable, not atomic"
        case .memory: "nothing is stored: what the benchmark itself costs"
        case .redis: "Redis at --redis-url; needs the trait DatabaseServers"
        case .postgres: "PostgreSQL at --postgres-url; needs the trait DatabaseServers"
        }
    }

    /// Whether several hosts may use it at once.
    var isShared: Bool { self != .walExclusive && self != .memory }
    /// Whether its data lies on the volume.
    var isOnVolume: Bool { self != .redis && self != .postgres && self != .memory }
    /// What is measured when nobody says what.
    static let usual: [StoreKind] = [.volume, .portable, .delete, .files, .naiveFiles]
}

/// Where candidates live and how they are opened.
struct StorePlace: Sendable {
    /// This run's own folder on the volume.
    let folder: String
    let shards: Int
    let redis: String?
    let postgres: String?
    /// Announces the process as a task, which the volume engine asks for: alone it keeps its shards for
    /// longer.
    var isAnnounced = true

    /// Makes what is missing and opens the store. Any number of processes at once.
    func open(_ kind: StoreKind) async throws -> any Candidate {
        let folder = "\(folder)/\(kind.rawValue)"
        switch kind {
        case .volume: return try await openVolume(folder, .sqlite, .volume)
        case .portable: return try await openVolume(folder, .sqlite, .portable)
        case .files: return try await openVolume(folder, .files, nil)
        case .delete: return SessionStoreCandidate(try await stock(.delete, folder))
        case .truncate: return SessionStoreCandidate(try await stock(.truncate, folder))
        case .walExclusive: return SessionStoreCandidate(try await stock(.walExclusive, folder))
        case .naiveFiles: return SessionStoreCandidate(try Self.naive(folder))
        case .memory: return SessionStoreCandidate(MemorySessionStore())
        case .redis, .postgres: return try await openServer(kind)
        }
    }

    /// The same as a store, without a benchmark around it.
    func openStore(_ kind: StoreKind) async throws -> any SessionStore {
        let folder = "\(folder)/\(kind.rawValue)"
        switch kind {
        case .volume: return try await Self.store(volume(folder, .sqlite, .volume), nil)
        case .portable: return try await Self.store(volume(folder, .sqlite, .portable), nil)
        case .files: return try await Self.store(volume(folder, .files, nil), nil)
        case .delete: return try await stock(.delete, folder)
        case .truncate: return try await stock(.truncate, folder)
        case .walExclusive: return try await stock(.walExclusive, folder)
        case .naiveFiles: return try Self.naive(folder)
        case .memory, .redis, .postgres: throw Refusal("\(kind.rawValue) cannot be tortured")
        }
    }

    /// What SQLite finds wrong with a store that nobody has open.
    func faults(_ kind: StoreKind) async throws -> [String] {
        guard kind == .volume || kind == .portable else { return [] }
        let volume = try await Volume.open(at: "\(folder)/\(kind.rawValue)")
        var faults = [String]()
        for shard in 0..<volume.manifest.shards {
            faults += try await SQLiteSessionStore.faults(of: shard, in: volume).map {
                "shard \(shard): \($0)"
            }
        }
        return faults
    }

    private func openVolume(
        _ folder: String, _ store: VolumeManifest.Store, _ engine: VolumeManifest.Engine?
    ) async throws -> any Candidate {
        let volume = try await volume(folder, store, engine)
        let presence =
            isAnnounced
            ? try await TaskPresence.start(.make(host: Volume.hostName()), on: volume) : nil
        return SessionStoreCandidate(try await Self.store(volume, presence), presence: presence)
    }

    private func volume(
        _ folder: String, _ store: VolumeManifest.Store, _ engine: VolumeManifest.Engine?
    ) async throws -> Volume {
        try await Volume.openOrCreate(at: folder, store: store, engine: engine, shards: shards)
    }

    private static func store(_ volume: Volume, _ presence: TaskPresence?) async throws -> any SessionStore {
        guard volume.manifest.store == .sqlite else { return FileSessionStore(volume: volume) }
        try await SQLiteSessionStore.migrate(volume)
        return try SQLiteSessionStore(volume: volume, presence: presence, logger: logger)
    }

    private func stock(_ mode: StockSQLite.Mode, _ folder: String) async throws -> any SessionStore {
        try await StockSQLite.store(mode, in: folder, logger: Self.logger)
    }

    private static func naive(_ folder: String) throws -> any SessionStore {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return NaiveFileStore(folder: folder)
    }

    private func openServer(_ kind: StoreKind) async throws -> any Candidate {
        #if DatabaseServers
            switch kind {
            case .redis:
                guard let redis else { throw Refusal("redis needs --redis-url") }
                return try await RedisCandidate(url: redis)
            default:
                guard let postgres else { throw Refusal("postgres needs --postgres-url") }
                return try await PostgresCandidate(url: postgres)
            }
        #else
            throw Refusal("this stoa-bench was built without the trait DatabaseServers")
        #endif
    }

    /// Removes what the run left in database servers, after all its hosts have ended.
    func forget(_ stores: [StoreKind]) async {
        #if DatabaseServers
            if stores.contains(.redis), let redis { try? await RedisCandidate(url: redis).forget() }
            if stores.contains(.postgres), let postgres {
                try? await PostgresCandidate(url: postgres).forget()
            }
        #endif
    }

    private static var logger: Logger {
        var logger = Logger(label: "stoa-bench")
        logger.logLevel = .error
        return logger
    }
}

/// Why something is not done, in a sentence.
struct Refusal: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
