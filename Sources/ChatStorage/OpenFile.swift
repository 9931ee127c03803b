#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One file descriptor, closed when its owner ends. Every call blocks: use it inside a ``BlockingLane`` only.
struct OpenFile: ~Copyable {
    let descriptor: Int32

    /// Opens `path`; always close-on-exec, so that no child process keeps one of our locks alive.
    /// - Throws: `SystemCallError`.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws {
        descriptor = try systemCall("open") { open(path, flags | O_CLOEXEC, mode) }
    }

    deinit { _ = close(descriptor) }

    /// Closes and says what the file system has to say: over NFS a close flushes, so ENOSPC and EIO may come
    /// as late as here (close(2), "Dealing with error returns from close()"). Never retried: the descriptor
    /// is gone.
    consuming func closeReportingErrors() throws {
        let result = close(descriptor)
        let code = errno
        discard self
        if result != 0 && code != EINTR { throw SystemCallError("close", code) }
    }

    /// Everything from here to the end, at most `bytesMax`; nil when there is more.
    borrowing func readAll(bytesMax: Int) throws -> [UInt8]? {
        var bytes = [UInt8]()
        var chunk = [UInt8](repeating: 0, count: min(max(Int(try status().st_size) + 1, 4096), 1 << 20))
        while true {
            let count = try systemCall("read") { read(descriptor, &chunk, chunk.count) }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > bytesMax { return nil }
        }
    }

    /// Writes all of `bytes` at the current position.
    borrowing func writeAll(_ bytes: [UInt8]) throws {
        var done = 0
        while done < bytes.count {
            done += try systemCall("write") {
                bytes.withUnsafeBytes {
                    write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done)
                }
            }
        }
    }

    /// Everything written so far is on stable storage when this returns.
    borrowing func sync() throws {
        try systemCall("fsync") { fsync(descriptor) }
    }

    borrowing func status() throws -> stat {
        var status = stat()
        try systemCall("fstat") { fstat(descriptor, &status) }
        return status
    }
}
