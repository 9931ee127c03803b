#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An advisory lock on a whole file, which excludes this process's other locks, other processes and other
/// hosts.
///
/// It is flock(2): "Since Linux 2.6.12, NFS clients support flock() locks by emulating them as fcntl(2)
/// byte-range locks on the entire file", and an exclusive one therefore needs a file opened for writing.
/// (With the mount option `local_lock=flock` or `all` they stay on the host, nfs(5): such a volume is refused
/// at start.)
///
/// Why not fcntl(F_SETLK): those locks belong to the process, which loses all of them "if a process closes
/// any file descriptor referring to the file" (fcntl(2)), whoever opened it. A flock belongs to the open file
/// description: only this object's own descriptor, or the end of the process, lets it go.
///
/// Why never a blocking call: over NFSv4 the kernel then polls with pauses of 1 to 30 s, and the thread is
/// gone for as long. Here waiting is a sleep between tries that holds neither a thread nor a lock.
package final class FileLock: Sendable {
    /// What others may do meanwhile: nothing, or hold a `shared` lock as well.
    package enum Kind: Sendable { case exclusive, shared }

    private let path: String
    let descriptor: Int32

    /// Opens `path` for locking. Blocks.
    /// - Parameter create: makes an empty file (mode 0600) when there is none.
    /// - Throws: `SystemCallError`.
    package init(_ path: String, create: Bool) throws {
        self.path = path
        descriptor = try systemCall("open") { open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0o600) }
    }

    deinit {
        // Closing alone would leave the lock to a child process that was just started and has not yet come to
        // its exec, which closes its copy of the descriptor: "the lock is released either by an explicit
        // LOCK_UN operation on any of these duplicate file descriptors, or when all such file descriptors
        // have been closed" (flock(2)).
        _ = flock(descriptor, LOCK_UN)
        _ = close(descriptor)
    }

    /// Takes the lock unless somebody has it. Blocks for one round trip at most. Idempotent; never used to
    /// turn a shared lock into an exclusive one, which some servers refuse.
    /// - Throws: `SystemCallError`: not being able to tell is never "somebody has it".
    package func tryLock(_ kind: Kind = .exclusive) throws -> Bool {
        let operation = (kind == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB
        return try systemCall("flock", expecting: EWOULDBLOCK) { flock(descriptor, operation) } != nil
    }

    /// Lets the lock go. Blocks for one round trip at most.
    package func unlock() throws {
        try systemCall("flock") { flock(descriptor, LOCK_UN) }
    }

    /// Whether `path` still means the locked file. A lock on a file that was unlinked or replaced excludes
    /// nobody: to be asked after `tryLock` wherever lock files are ever removed.
    package func isCurrent() throws -> Bool {
        var mine = stat()
        var named = stat()
        try systemCall("fstat") { fstat(descriptor, &mine) }
        guard try systemCall("stat", expecting: ENOENT, { stat(path, &named) }) != nil else { return false }
        return mine.st_nlink > 0 && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev
    }

    /// Puts `bytes` into the locked file, for people who look at it, and makes them durable.
    /// - Throws: `SystemCallError`; EIO when this host's lease ended and the lock is lost (NFS "lost locks").
    func write(_ bytes: [UInt8]) throws {
        let count = try systemCall("pwrite") { pwrite(descriptor, bytes, bytes.count, 0) }
        try systemCall("ftruncate") { ftruncate(descriptor, off_t(count)) }
        try systemCall("fsync") { fsync(descriptor) }
    }

    /// Tries until `deadline`, each try on `lane`.
    /// - Returns: false at the deadline.
    /// - Throws: `SystemCallError`, `BlockingLane.Full`, `BlockingLane.TimedOut`, `CancellationError`.
    package func lock(
        _ kind: Kind = .exclusive, until deadline: ContinuousClock.Instant, on lane: BlockingLane
    ) async throws -> Bool {
        var backoff = Backoff()
        while true {
            if try await lane.run(until: deadline, { try self.tryLock(kind) }) { return true }
            let pause = backoff.next()
            guard ContinuousClock.now + pause < deadline else { return false }
            try await Task.sleep(for: pause)
        }
    }
}
