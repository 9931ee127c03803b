/// Somebody copies a shard's database file without holding the shard: whoever holds it should let its log
/// grow meanwhile instead of emptying it into that file.
///
/// A wish, not a lock: the copy is compared with the file's state afterwards and made again if it was not
/// granted, so a program that does not know of it, or does not see it yet, does no harm.
enum CopyRequest {
    private static let name = "copy.lock"
    /// Frames up to which a log may grow on request: 80 MB, which whoever takes the shard next reads.
    static let logFramesMax = 20_000

    /// Makes the wish, until the lock is let go or the process ends. Blocks.
    /// - Returns: nil when somebody else copies this shard already.
    /// - Throws: `SystemCallError`.
    static func make(in folder: String) throws -> FileLock? {
        let lock = try FileLock("\(folder)/\(name)", create: true)
        return try lock.tryLock() ? lock : nil
    }

    /// Whether somebody wishes it. Blocks; not being able to tell is no.
    static func isMade(in folder: String) -> Bool {
        guard let lock = try? FileLock("\(folder)/\(name)", create: false) else { return false }
        return (try? lock.tryLock(.shared)) == false
    }
}
