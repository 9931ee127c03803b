#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The folder that an examination works in, on the volume: nothing else on the volume is touched.
struct ScratchFolder {
    /// Begins with what the stores never take for theirs.
    static let prefix = "\(AtomicFile.temporaryPrefix)doctor-"
    /// An examination is over long before: what is older was left by one that was killed.
    private static let leftoverSecondsMin = 3_600

    let path: String

    /// Runs `body` with a new one in `folder`, then removes it with what is in it; also what examinations
    /// left there that were killed. Every file has to be closed when `body` returns: over NFS an open one
    /// keeps the folder from being removed.
    static func with(in folder: String, _ body: (ScratchFolder) throws -> Void) throws {
        let scratch = ScratchFolder(path: "\(folder)/\(prefix)\(UInt64.random(in: .min ... .max))")
        try systemCall("mkdir") { mkdir(scratch.path, 0o700) }
        defer { remove(scratch.path) }
        removeLeftovers(in: folder, than: scratch.path)
        try body(scratch)
    }

    /// The path of one of its files.
    func file(_ name: String) -> String { "\(path)/\(name)" }

    private static func remove(_ path: String) {
        for name in (try? AtomicFile.names(in: path)) ?? [] { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    private static func removeLeftovers(in folder: String, than own: String) {
        // By the volume's clock on both sides: hosts may disagree on the time.
        var mine = stat()
        guard stat(own, &mine) == 0, let names = try? AtomicFile.names(in: folder) else { return }
        for name in names where name.hasPrefix(prefix) {
            var other = stat()
            guard stat("\(folder)/\(name)", &other) == 0 else { continue }
            if modified(mine) - modified(other) > leftoverSecondsMin { remove("\(folder)/\(name)") }
        }
    }

    private static func modified(_ status: stat) -> Int {
        #if os(Linux)
            status.st_mtim.tv_sec
        #else
            status.st_mtimespec.tv_sec
        #endif
    }
}
