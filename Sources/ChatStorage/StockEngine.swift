import CSQLite
package import ChatCore
package import Logging

/// SQLite over its own VFS with a journal mode that people use: what the other engines are measured against.
/// Volumes are never made with it, for each mode loses data on NFS or excludes every other host.
struct StockEngine: TransactionEngine {
    let mode: StockSQLite.Mode

    var name: String { mode.rawValue }

    private var pragmas: Pragmas {
        switch mode {
        case .delete: Pragmas(journalMode: "DELETE")
        case .truncate: Pragmas(journalMode: "TRUNCATE")
        case .walExclusive: Pragmas(journalMode: "WAL", lockingMode: "EXCLUSIVE")
        }
    }

    func open(path: String, access: OpenOptions.Access) throws(SQLiteError) -> Connection {
        try Connection(OpenOptions(path: path, vfs: "unix", access: access), pragmas: pragmas)
    }

    func purge(_ connection: Connection) throws(SQLiteError) {}

    func remedy(for error: SQLiteError, on connection: Connection?) -> StorageRemedy {
        PortableEngine().remedy(for: error, on: connection)
    }
}

/// Stores over stock SQLite, for measurements and tortures only.
package enum StockSQLite {
    /// The modes: the default, the one often advised for networks, and the one in which SQLite's documents
    /// allow a log without shared memory, for a single owner.
    package enum Mode: String, Sendable, CaseIterable {
        case delete
        case truncate
        case walExclusive = "wal-exclusive"
    }

    /// The version of the library.
    package static var version: String { String(cString: sqlite3_libversion()) }

    /// A store with the schema and the statements of ``SQLiteSessionStore`` in one shard, one transaction an
    /// operation, synchronous FULL. Its folder is made.
    /// - Throws: ``ChatError``, `SystemCallError`.
    package static func store(
        _ mode: Mode, in folder: String, logger: Logger
    ) async throws -> any SessionStore {
        let engine = StockEngine(mode: mode)
        for path in [folder, "\(folder)/shards", "\(folder)/shards/00"] { try AtomicFile.createFolder(path) }
        try await SQLiteSessionStore.migrate(folder: folder, shardCount: 1, engine: engine)
        var bounds = Shard.Bounds()
        bounds.batchMax = 1
        return SQLiteSessionStore(
            folder: folder, shardCount: 1, engine: engine, bounds: bounds, logger: logger)
    }
}

extension Mount {
    /// What `folder` lies on; nil when the system does not say. Asks the volume where it is.
    package static func holding(_ folder: String) -> Mount? {
        (try? MountTable.mount(ofFolder: folder)) ?? nil
    }
}
