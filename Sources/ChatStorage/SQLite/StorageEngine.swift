/// What differs between the ways a shard's file may be shared. A volume's manifest names its engine, and no
/// task may open the volume with another one: their locks do not see each other.
///
/// The order of calls: `open`; then for each batch `acquire` (unless the shard is still held), once
/// `prepare`, any number of transactions, `release`.
protocol StorageEngine: Sendable {
    /// The name in the manifest.
    var name: String { get }

    /// Opens a shard's file with this engine's VFS. It may be used after `acquire` and `prepare` only.
    /// - Throws: `SQLiteError`; `busy` is worth a retry.
    func open(path: String, access: OpenOptions.Access) throws(SQLiteError) -> Connection

    /// Takes the shard from all other connections, in one try; what is held already stays held. An engine
    /// that locks by transactions has nothing to do here.
    /// - Returns: whether others have written since the shard was held last.
    /// - Throws: `SQLiteError`; `busy` when somebody else holds it, nothing is held then.
    func acquire(_ connection: Connection) throws(SQLiteError) -> Bool

    /// Applies the settings, once for each connection, while the shard is held.
    func prepare(_ connection: Connection) throws(SQLiteError)

    /// Gives back what `acquire` took. No statement may be open.
    func release(_ connection: Connection) throws(SQLiteError)

    /// Proves that what was read since `acquire` was nobody else's to change meanwhile. Costs nothing while
    /// the volume was heard from lately.
    /// - Throws: `SQLiteError`: what was read may be out of date.
    func verify(_ connection: Connection) throws(SQLiteError)

    /// Whether commits go to a log while the shard is held, and to the database file only when that is
    /// emptied.
    var keepsLog: Bool { get }

    /// How many pages wait to be carried from the log into the database; 0 for an engine without a log.
    func logFrames(of connection: Connection) -> Int

    /// How long the log is, as far as this connection knows it; 0 for an engine without a log. Does not call
    /// the volume.
    func logBytes(of connection: Connection) -> Int

    /// Whether this connection lost its lock, so that it is refused everything from now on.
    func isFenced(_ connection: Connection) -> Bool

    /// Empties the log while the shard is held.
    func checkpoint(_ connection: Connection) throws(SQLiteError)

    /// Overwrites what the log held before it was emptied, while the shard is held.
    func purge(_ connection: Connection) throws(SQLiteError)

    /// What to do about an error that this connection met.
    func remedy(for error: SQLiteError, on connection: Connection?) -> StorageRemedy

    /// How long the shard may be kept.
    var patience: HoldPatience { get }
}

/// What an error asks for.
enum StorageRemedy: Hashable, Sendable {
    /// Another process holds the lock: wait and try again.
    case retry
    /// The connection or its file handles cannot be trusted any more: close all of them, open anew, and run
    /// again what was not acknowledged.
    case reopen
    /// The error belongs to the one operation that caused it.
    case report
}
