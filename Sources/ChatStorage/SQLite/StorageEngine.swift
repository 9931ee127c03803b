/// What differs between the ways a shard's file may be shared. A volume's manifest names its engine, and no
/// task may open the volume with another one: their locks do not see each other.
protocol StorageEngine: Sendable {
    /// The name in the manifest.
    var name: String { get }

    /// Opens a shard's file with this engine's VFS and settings.
    /// - Throws: `SQLiteError`; `busy` is worth a retry.
    func open(path: String, access: OpenOptions.Access) throws(SQLiteError) -> Connection

    /// Takes what a batch needs and begins its transaction; afterwards nothing in the batch waits for a lock.
    /// - Throws: `SQLiteError`; `busy` when another process is at work, nothing is held then.
    func beginBatch(_ kind: TransactionKind, on connection: Connection) throws(SQLiteError)

    /// Called after each batch's transaction ended, however it ended: gives back what `beginBatch` took, now
    /// or later.
    func endBatch(on connection: Connection)

    /// What to do about an error, by its code alone.
    func remedy(for error: SQLiteError) -> StorageRemedy

    /// How long batches may follow one another before other tasks get a chance.
    var holdMillisecondsMax: Int { get }
    /// How long the shard then keeps still. Longer than the longest pause of a waiter (`Backoff`), so that
    /// each waiter makes a try in it.
    var restMilliseconds: Int { get }
}

/// What an error asks for.
enum StorageRemedy: Hashable, Sendable {
    /// Another process holds the lock: wait and try again.
    case retry
    /// The connection or its file handles cannot be trusted any more: close all of them and open anew.
    case reopen
    /// The error belongs to the one operation that caused it.
    case report
}

/// The stock VFS with a rollback journal: for file systems without the locks that the volume engine needs.
///
/// PERSIST, because the other rollback modes were seen to lose data on NFS (see `Pragmas.journalMode`).
struct PortableEngine: StorageEngine {
    let name = "portable"
    let holdMillisecondsMax = 250
    let restMilliseconds = 40

    func open(path: String, access: OpenOptions.Access) throws(SQLiteError) -> Connection {
        try Connection(
            OpenOptions(path: path, vfs: "unix", access: access), pragmas: Pragmas(journalMode: "PERSIST"))
    }

    func beginBatch(_ kind: TransactionKind, on connection: Connection) throws(SQLiteError) {
        try connection.begin(kind)
    }

    func endBatch(on connection: Connection) {}

    func remedy(for error: SQLiteError) -> StorageRemedy {
        switch error.code {
        // PROTOCOL: the locking protocol gave up after many collisions.
        case .busy, .lockProtocol: .retry
        // An NFS client that lost its locks or whose file was replaced answers EIO or ESTALE for as long as
        // the file is open; NOTADB and CORRUPT may come from pages cached before that.
        case .ioError, .cannotOpen, .corrupt, .notADatabase, .outOfMemory, .readOnly: .reopen
        default: .report
        }
    }
}
