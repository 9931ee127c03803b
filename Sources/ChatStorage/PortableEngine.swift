/// An engine over SQLite's own VFS: every transaction takes and gives back SQLite's locks, so nothing is held
/// between two of them, and no log waits to be emptied here.
protocol TransactionEngine: StorageEngine {}

extension TransactionEngine {
    var patience: HoldPatience { .transactionOnly }
    var keepsLog: Bool { false }

    func acquire(_ connection: Connection) throws(SQLiteError) -> Bool { false }
    func prepare(_ connection: Connection) throws(SQLiteError) {}
    func release(_ connection: Connection) throws(SQLiteError) {}
    func verify(_ connection: Connection) throws(SQLiteError) {}
    func logFrames(of connection: Connection) -> Int { 0 }
    func logBytes(of connection: Connection) -> Int { 0 }
    func isFenced(_ connection: Connection) -> Bool { false }
    func checkpoint(_ connection: Connection) throws(SQLiteError) {}
}

/// The stock VFS with a rollback journal: for file systems without the locks that the volume engine needs.
///
/// PERSIST, because the other rollback modes were seen to lose data on NFS (see `Pragmas.journalMode`).
struct PortableEngine: TransactionEngine {
    let name = "portable"

    func open(path: String, access: OpenOptions.Access) throws(SQLiteError) -> Connection {
        try Connection(
            OpenOptions(path: path, vfs: "unix", access: access), pragmas: Pragmas(journalMode: "PERSIST"))
    }

    /// A journal in PERSIST mode keeps pages from before the last changes: it is removed, and made anew.
    func purge(_ connection: Connection) throws(SQLiteError) {
        for mode in ["delete", "persist"] where try connection.pragma("journal_mode = \(mode)") != mode {
            throw SQLiteError(code: .busy, message: "the journal is in use")
        }
    }

    func remedy(for error: SQLiteError, on connection: Connection?) -> StorageRemedy {
        switch error.code {
        // PROTOCOL: the locking protocol gave up after many collisions.
        case .busy, .lockProtocol: .retry
        case .cannotOpen where error.isFileMissing: .report
        // An NFS client that lost its locks or whose file was replaced answers EIO or ESTALE for as long as
        // the file is open; NOTADB and CORRUPT may come from pages cached before that.
        case .ioError, .cannotOpen, .corrupt, .notADatabase, .outOfMemory, .readOnly: .reopen
        default: .report
        }
    }
}
