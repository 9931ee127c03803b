import CSQLite

/// How a database file is opened: the one place that owns every open flag.
struct OpenOptions: Hashable, Sendable {
    enum Access: Hashable, Sendable {
        /// The file must exist and is never written, not even to roll back a journal.
        case readOnly
        /// The file must exist.
        case readWrite
        /// The file is made when it is missing.
        case create
    }

    /// Absolute. A relative path would change its meaning with the working directory, and Debian's libsqlite3
    /// reads a name that starts with `file:` as a URI even without `SQLITE_OPEN_URI` (built with
    /// `SQLITE_USE_URI`).
    let path: String
    /// Always named. The default VFS is a process-wide variable that any library may change, and two VFSes
    /// with different locks on one file corrupt it.
    let vfs: String
    let access: Access
    /// Pages kept in memory between transactions. On NFS the kernel drops its page cache of a file whenever a
    /// lock is taken, so this is the only cache that survives; it is used up only as far as pages are read.
    let cacheKibibytes: Int

    init(path: String, vfs: String = "unix", access: Access, cacheKibibytes: Int = 4096) {
        self.path = path
        self.vfs = vfs
        self.access = access
        self.cacheKibibytes = cacheKibibytes
    }

    /// The flags of `sqlite3_open_v2`.
    var flags: Int32 {
        let access: Int32 =
            switch self.access {
            case .readOnly: SQLITE_OPEN_READONLY
            case .readWrite: SQLITE_OPEN_READWRITE
            case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            }
        // NOMUTEX: one executor owns the connection, so SQLite's own mutexes would only cost. PRIVATECACHE: a
        // shared cache would let two connections of this process see each other's uncommitted pages.
        // URI: for the target of an export, which names its VFS so; it has no meaning for an absolute path.
        // EXRESCODE: extended codes from the first call on, also when opening itself fails.
        return access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_URI
            | SQLITE_OPEN_EXRESCODE
    }
}
