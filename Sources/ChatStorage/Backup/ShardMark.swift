import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The state of a shard's database file while its log is empty: the same mark means the same content.
package struct ShardMark: Hashable, Sendable, Codable {
    /// The file's length.
    let bytes: Int64
    /// When it was last written to, in nanoseconds, by the clock of the volume's server.
    let modifiedNanoseconds: Int64
    /// The file's number in its file system.
    let inode: UInt64
    /// SQLite's own counter in the header, which moves in rollback mode.
    let changes: UInt32

    private enum CodingKeys: String, CodingKey {
        case bytes, inode, changes
        case modifiedNanoseconds = "modified_ns"
    }

    /// Of an open file. Blocks.
    /// - Throws: `SystemCallError`.
    init(of file: borrowing OpenFile) throws {
        let status = try file.status()
        #if canImport(Darwin)
            let modified = status.st_mtimespec
        #else
            let modified = status.st_mtim
        #endif
        bytes = Int64(status.st_size)
        modifiedNanoseconds = Int64(modified.tv_sec) * 1_000_000_000 + Int64(modified.tv_nsec)
        inode = UInt64(status.st_ino)
        var counter = [UInt8](repeating: 0, count: 4)
        let descriptor = file.descriptor
        try systemCall("pread") { pread(descriptor, &counter, 4, 24) }
        changes = counter.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
