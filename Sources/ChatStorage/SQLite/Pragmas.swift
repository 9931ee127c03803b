import CSQLite

/// Every setting of a connection, in one place. Each is set and then read back: SQLite answers an unknown or
/// refused pragma with silence, and a shard that runs with other settings than we think loses data quietly.
struct Pragmas: Hashable, Sendable {
    /// `PERSIST` for the portable engine, `WAL` for an engine whose VFS needs no shared memory.
    ///
    /// DELETE and TRUNCATE answer "is there a hot journal?" from the NFS client's name and size caches and
    /// were seen to corrupt a shard; PERSIST reads the journal's header instead. WAL with the stock VFS
    /// shares an mmap'ed index, which two hosts cannot.
    let journalMode: String
    /// `EXCLUSIVE` only in measurements of what stock SQLite does: see `settings`.
    var lockingMode = "NORMAL"

    /// Applies and checks everything. A read-only connection cannot change the journal mode and only checks
    /// the rest.
    /// - Throws: `SQLiteError`; `busy` if another process holds the file (the caller retries the whole
    ///   opening); `misuse` when a setting did not take effect.
    func apply(to connection: Connection) throws(SQLiteError) {
        try flags(of: connection)
        for setting in settings(cacheKibibytes: connection.options.cacheKibibytes) {
            try connection.set(setting)
        }
        guard connection.options.access != .readOnly else { return }
        // Last, because this one reads the file and so may find it locked.
        try connection.set(Setting(name: "journal_mode", value: journalMode, reads: journalMode.lowercased()))
    }

    struct Setting: Hashable, Sendable {
        let name: String
        let value: String
        /// What the pragma answers when the setting is in force.
        let reads: String
    }

    /// In the order in which they are applied.
    func settings(cacheKibibytes: Int) -> [Setting] {
        let common = [
            // Waiting is ours: the built-in handler sleeps on the thread, has no deadline of the request and
            // no jitter.
            Setting(name: "busy_timeout", value: "0", reads: "0"),
            // NORMAL locking: EXCLUSIVE would keep the file from every other task for as long as the
            // connection lives.
            Setting(name: "locking_mode", value: lockingMode, reads: lockingMode.lowercased()),
            // FULL: without the sync before the commit an acknowledged message can be lost with the host.
            Setting(name: "synchronous", value: "FULL", reads: "2"),
            // macOS: fsync there leaves data in the drive's cache. No meaning elsewhere.
            Setting(name: "fullfsync", value: "ON", reads: "1"),
            // Off by default in SQLite: deleting a session must delete its conversations.
            Setting(name: "foreign_keys", value: "ON", reads: "1"),
            Setting(name: "cache_size", value: "-\(cacheKibibytes)", reads: "-\(cacheKibibytes)"),
            // A spill takes the EXCLUSIVE lock in mid-transaction, where `busy` could not be retried.
            Setting(name: "cache_spill", value: "OFF", reads: "0"),
            // Sorts and statement journals stay off the shared volume and off the container's disk.
            Setting(name: "temp_store", value: "MEMORY", reads: "2"),
            // A damaged page is reported when it is read, not when its nonsense has spread.
            Setting(name: "cell_size_check", value: "ON", reads: "1"),
            // "Forget everything" overwrites what was deleted.
            Setting(name: "secure_delete", value: "ON", reads: "1"),
            // A persistent journal keeps its largest size otherwise, and with it old pages of deleted text.
            Setting(name: "journal_size_limit", value: "4194304", reads: "4194304"),
            // A schema planted in a file that somebody else wrote cannot call functions with side effects.
            Setting(name: "trusted_schema", value: "OFF", reads: "0"),
        ]
        return common + journalSettings
    }

    private var journalSettings: [Setting] {
        guard journalMode == "WAL" && lockingMode == "NORMAL" else {
            // A mapping shows pages that another host is just writing, and turns an I/O error into a SIGBUS.
            // (The VFS "volume" has no mapping, and so no answer to this one.)
            return [Setting(name: "mmap_size", value: "0", reads: "0")]
        }
        // Checkpoints come when nobody waits for an answer; the built-in one comes inside a COMMIT.
        return [Setting(name: "wal_autocheckpoint", value: "0", reads: "0")]
    }

    private func flags(of connection: Connection) throws(SQLiteError) {
        // DEFENSIVE: no writable_schema, no journal_mode=OFF: SQL alone cannot damage the file.
        try connection.set(flag: SQLITE_DBCONFIG_DEFENSIVE, on: true, name: "DEFENSIVE")
        // A mistyped "name" in double quotes is an error and not silently a string.
        try connection.set(flag: SQLITE_DBCONFIG_DQS_DML, on: false, name: "DQS_DML")
        try connection.set(flag: SQLITE_DBCONFIG_DQS_DDL, on: false, name: "DQS_DDL")
    }
}

extension Connection {
    /// Sets a pragma, then asks for it and compares.
    fileprivate func set(_ setting: Pragmas.Setting) throws(SQLiteError) {
        // Some pragmas answer when set, some do not: `query` reads whatever comes.
        try query("PRAGMA \(setting.name) = \(setting.value)") { _ throws(SQLiteError) in }
        let found = try pragma(setting.name)
        guard found == setting.reads else {
            throw SQLiteError(
                code: .misuse,
                message: "\(setting.name) is \(found ?? "unknown") after setting it to \(setting.value)")
        }
    }

    /// What a pragma answers, as text; nil when this libsqlite3 does not know it.
    func pragma(_ name: String) throws(SQLiteError) -> String? {
        var found: String?
        try query("PRAGMA \(name)") { row throws(SQLiteError) in
            found =
                switch try row.value(0) {
                case .integer(let number): String(number)
                case .text(let text): text
                default: nil
                }
        }
        return found
    }
}
