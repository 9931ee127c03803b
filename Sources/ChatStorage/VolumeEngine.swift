import CSQLite
import CVolumeVFS
import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// SQLite in WAL mode over the VFS "volume": one lock a shard, held for as long as there is work, and one
/// stable write a commit. What is safe about it, and why, is said in `CVolumeVFS`; here is when.
struct VolumeEngine: StorageEngine {
    let name = "volume"
    let patience = HoldPatience.shared
    let keepsLog = true

    /// A reader that answers from memory asks the volume first when it has not heard from it for this long:
    /// a third of 10 s, the shortest lease that a server is run with (EFS and Linux: 90 s). A host that was
    /// cut off for longer than its lease may have been replaced by another writer; one for less, not.
    static let contactMillisecondsMax = 3_000
    /// Pages kept in memory: with `cache_spill` off all that one batch changes must fit in anyway, and on a
    /// shard that does not change hands every page is read once. Used up only as far as pages are read.
    var cacheKibibytes = 8_192
    /// Once a process, before any shard is opened.
    private static let registration = SQLiteResultCode(rawValue: volume_vfs_register())

    /// - Throws: `SQLiteError`; `noOpenFileLocks` where this engine cannot work.
    func open(path: String, access: OpenOptions.Access) throws(SQLiteError) -> Connection {
        guard Self.registration == .ok else {
            throw SQLiteError(code: Self.registration, message: "the VFS \"volume\" cannot be registered")
        }
        // The VFS makes what is missing: whether that is wanted is asked here.
        if access != .create { try Self.requireFile(path) }
        let connection = try Connection(
            OpenOptions(path: path, vfs: name, access: access, cacheKibibytes: cacheKibibytes))
        // Before the first statement: closing must never write without the lock, and our log stays.
        try connection.set(flag: SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on: true, name: "NO_CKPT_ON_CLOSE")
        return connection
    }

    /// access(2), whose name is also a parameter's.
    private static let systemAccess: @Sendable (UnsafePointer<CChar>, Int32) -> Int32 = { access($0, $1) }

    /// On NFS a name that did not exist a moment ago may be remembered as missing; opening the folder makes
    /// the client ask.
    private static func requireFile(_ path: String) throws(SQLiteError) {
        if systemAccess(path, F_OK) == 0 { return }
        try? AtomicFile.revalidate(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
        if systemAccess(path, F_OK) == 0 { return }
        throw SQLiteError(code: .cannotOpen, message: "no such shard", systemErrorNumber: errno)
    }

    func acquire(_ connection: Connection) throws(SQLiteError) -> Bool {
        try control(VOLUME_TRY_ACQUIRE, connection)
        return connection.volumeStatus.changed_hands != 0
    }

    func prepare(_ connection: Connection) throws(SQLiteError) {
        try Pragmas(journalMode: "WAL").apply(to: connection)
    }

    func release(_ connection: Connection) throws(SQLiteError) {
        try control(VOLUME_RELEASE, connection)
    }

    func verify(_ connection: Connection) throws(SQLiteError) {
        guard connection.volumeStatus.contact_age_ms > Self.contactMillisecondsMax else { return }
        try control(VOLUME_VERIFY, connection)
    }

    func logFrames(of connection: Connection) -> Int { Int(connection.volumeStatus.log_frames) }

    func logBytes(of connection: Connection) -> Int { Int(connection.volumeStatus.log_bytes) }

    func isFenced(_ connection: Connection) -> Bool { connection.volumeStatus.fenced == 1 }

    /// TRUNCATE, because weaker modes copy pages too but leave a log that every task which takes the shard
    /// must read.
    func checkpoint(_ connection: Connection) throws(SQLiteError) {
        let result = sqlite3_wal_checkpoint_v2(
            connection.handle, "main", SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
        guard result == SQLITE_OK else { throw SQLiteError(result, on: connection.handle) }
    }

    func purge(_ connection: Connection) throws(SQLiteError) { try control(VOLUME_PURGE, connection) }

    func remedy(for error: SQLiteError, on connection: Connection?) -> StorageRemedy {
        // A fenced shard refuses everything from now on, whatever the first error was called.
        if let connection, isFenced(connection) { return .reopen }
        return switch error.code {
        case .busy: .retry
        case .noOpenFileLocks, .foreignShard: .report
        case .cannotOpen where error.isFileMissing: .report
        // NOTADB and CORRUPT may come from pages read while the lock was being lost.
        case .ioError, .cannotOpen, .corrupt, .notADatabase, .outOfMemory: .reopen
        // FULL on a shard that is not fenced was found out before a byte of the transaction was written.
        default: .report
        }
    }

    private func control(_ operation: Int, _ connection: Connection) throws(SQLiteError) {
        let result = sqlite3_file_control(connection.handle, "main", Int32(operation), nil)
        guard result != SQLITE_OK else { return }
        // A file control leaves no message on the connection.
        throw SQLiteError(
            code: SQLiteResultCode(rawValue: result), message: String(cString: sqlite3_errstr(result)),
            systemErrorNumber: connection.volumeStatus.last_errno)
    }
}

extension Connection {
    /// What the VFS "volume" knows; all zero with another one. Does not call the volume.
    var volumeStatus: volume_status {
        var status = volume_status()
        sqlite3_file_control(handle, "main", Int32(VOLUME_STATUS), &status)
        return status
    }
}

extension SQLiteError {
    /// The file is not there: nothing to repair by opening it again.
    var isFileMissing: Bool { code.primary == .cannotOpen && systemErrorNumber == ENOENT }
}

extension SQLiteResultCode {
    /// This platform or file system has no open-file-description locks.
    static let noOpenFileLocks = SQLiteResultCode(rawValue: Int32(VOLUME_CANTOPEN_NO_LOCKS))
    /// The file was not made by the volume engine.
    static let foreignShard = SQLiteResultCode(rawValue: Int32(VOLUME_NOTADB_FOREIGN))
}
