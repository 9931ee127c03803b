#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One file of an examination and the locks on it. Every call blocks for a few round trips at most: no lock
/// is ever waited for.
struct LockedFile: ~Copyable {
    /// Who owns a lock and what it covers; each kind is used by something here or in SQLite.
    enum Kind: String, CaseIterable, Sendable {
        /// flock(2): the store of files and the tasks' presence.
        case flock
        /// fcntl(F_SETLK): SQLite as installed, so the engine `portable`.
        case posix
        /// fcntl(F_OFD_SETLK): the engine `volume`.
        case ofd
    }

    #if os(Linux)
        /// F_OFD_SETLK, the same on every architecture; the C library shows it to C with _GNU_SOURCE only.
        private static let setOpenFileDescriptionLock: Int32 = 37
    #endif

    /// The byte that ``hold(_:byte:)`` and ``letGo(_:byte:)`` speak of.
    static let lockByte: off_t = 0

    let file: OpenFile

    /// Opens `path` for locking, reading and writing, and makes it when there is none.
    init(_ path: String) throws { file = try OpenFile(path, O_RDWR | O_CREAT) }

    /// Takes the lock unless somebody has it.
    /// - Throws: `SystemCallError`; EINVAL and ENOSYS where this kind does not exist.
    borrowing func hold(_ kind: Kind, byte: off_t = lockByte) throws -> Bool {
        try Self.hold(file.descriptor, kind, byte)
    }

    /// Lets the lock go.
    borrowing func letGo(_ kind: Kind, byte: off_t = lockByte) throws {
        let descriptor = file.descriptor
        if kind == .flock {
            try systemCall("flock") { flock(descriptor, LOCK_UN) }
        } else {
            try Self.set(descriptor, F_UNLCK, kind, byte)
        }
    }

    private static func hold(_ descriptor: Int32, _ kind: Kind, _ byte: off_t) throws -> Bool {
        if kind == .flock {
            let held = try systemCall("flock", expecting: EWOULDBLOCK) {
                flock(descriptor, LOCK_EX | LOCK_NB)
            }
            return held != nil
        }
        do {
            try set(descriptor, F_WRLCK, kind, byte)
            return true
        } catch let error as SystemCallError where error.code == EACCES || error.code == EAGAIN {
            // POSIX allows both for "somebody has it".
            return false
        }
    }

    private static func set(_ descriptor: Int32, _ type: Int32, _ kind: Kind, _ byte: off_t) throws {
        var range = flock()
        range.l_type = Int16(truncatingIfNeeded: type)
        range.l_whence = Int16(truncatingIfNeeded: SEEK_SET)
        range.l_start = byte
        range.l_len = 1
        // "When an open file description lock is requested, l_pid must be 0" (fcntl(2)).
        range.l_pid = 0
        #if os(Linux)
            let call = kind == .ofd ? setOpenFileDescriptionLock : F_SETLK
        #else
            if kind == .ofd { throw SystemCallError("fcntl", EINVAL) }
            let call = F_SETLK
        #endif
        try systemCall("fcntl") { fcntl(descriptor, call, &range) }
    }
}
