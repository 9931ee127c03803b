#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files that are seen whole or not at all, by every host of the volume. All calls block.
///
/// A file is written under a name of its own, made durable, and only then gets its final name, by rename(2)
/// (replace) or link(2) (create once): both are atomic at the server. Whoever dies on the way leaves a
/// temporary file, and `removeTemporaryFiles` takes it away.
enum AtomicFile {
    /// Begins the name of every temporary file, and of nothing else.
    static let temporaryPrefix = ".tmp-"

    /// Puts `bytes` in the place of `name` in `folder`, durably; the old content or the new one is there at
    /// any moment. `confirm` is called when everything but the rename is done; what it throws leaves the old
    /// file as it was.
    /// - Throws: `SystemCallError`; when `fsync` of the folder fails the new content may be there already.
    static func replace(
        _ name: String, in folder: String, with bytes: [UInt8], confirm: () throws -> Void = {}
    ) throws {
        let temporary = try writeTemporary(bytes, in: folder)
        do {
            try confirm()
            let renamed = try systemCall("rename", expecting: ENOENT) {
                move(temporary, "\(folder)/\(name)")
            }
            // Over NFS a rename whose reply was lost is sent again and then finds its source gone. What is
            // there now tells.
            if renamed == nil, try read(name, in: folder, bytesMax: bytes.count) != bytes {
                throw SystemCallError("rename", ENOENT)
            }
        } catch {
            unlink(temporary)
            throw error
        }
        try syncFolder(folder)
    }

    /// Creates `name` in `folder` with `bytes`, durably, unless it is there already.
    ///
    /// - Returns: whether link(2) said that this call created it. False is no proof of the opposite: an NFS
    ///   reply can be lost and the client's second try then finds its own first ("EEXIST"), so that the
    ///   caller has to read the file, whose content (a random id in it) is the truth.
    static func createOnce(_ name: String, in folder: String, with bytes: [UInt8]) throws -> Bool {
        let temporary = try writeTemporary(bytes, in: folder)
        defer { unlink(temporary) }
        // Not rename(2): that would replace what another process created first.
        let linked = try systemCall("link", expecting: EEXIST) { link(temporary, "\(folder)/\(name)") }
        guard linked != nil else { return false }
        try syncFolder(folder)
        return true
    }

    /// The file's bytes, or nil when there is none.
    ///
    /// Why this is enough to see what another host wrote before: NFS promises close-to-open consistency
    /// (nfs(5), "Close-to-open cache consistency"): open(2) asks the server, and a file that changed loses
    /// its cached pages. That holds for the *file*; which file a *name* means may come from a folder cached
    /// for `acdirmin` (30 s). So two answers are not believed before the folder was opened, which revalidates
    /// it by the same rule: that the name does not exist, and a file without a name (replaced by a rename
    /// meanwhile).
    /// - Throws: `SystemCallError`; EFBIG when the file is longer than `bytesMax`.
    static func read(_ name: String, in folder: String, bytesMax: Int) throws -> [UInt8]? {
        var revalidations = 0
        while true {
            var found: [UInt8]??
            do {
                let file = try OpenFile("\(folder)/\(name)", O_RDONLY)
                if try file.status().st_nlink > 0 || revalidations >= 3 {
                    found = try file.readAll(bytesMax: bytesMax)
                }
            } catch let error as SystemCallError where error.code == ENOENT {
                if revalidations >= 1 { return nil }
            } catch let error as SystemCallError where error.code == ESTALE && revalidations < 3 {
            }
            if let found {
                guard let bytes = found else { throw SystemCallError("read", EFBIG) }
                return bytes
            }
            revalidations += 1
            do { try revalidate(folder) } catch let error as SystemCallError where error.code == ENOENT {
                return nil
            }
        }
    }

    /// Gives `name` another name, durably and in one step. One that is gone is no error: an NFS server that
    /// lost its reply cache says ENOENT to a retried RENAME that worked.
    static func rename(_ name: String, to new: String, in folder: String) throws {
        _ = try systemCall("rename", expecting: ENOENT) { move("\(folder)/\(name)", "\(folder)/\(new)") }
        try syncFolder(folder)
    }

    /// rename(2), by a name that this type does not have.
    private static func move(_ old: String, _ new: String) -> Int32 {
        #if canImport(Glibc)
            Glibc.rename(old, new)
        #elseif canImport(Musl)
            Musl.rename(old, new)
        #else
            Darwin.rename(old, new)
        #endif
    }

    /// Removes `name` durably. One that is gone is no error: an NFS server that lost its reply cache says
    /// ENOENT to a retried REMOVE that worked.
    static func remove(_ name: String, in folder: String) throws {
        let unlinked = try systemCall("unlink", expecting: ENOENT) { unlink("\(folder)/\(name)") }
        if unlinked != nil { try syncFolder(folder) }
    }

    /// Has the server say what is in `folder` now: close-to-open consistency covers the opening of folders
    /// too.
    static func revalidate(_ folder: String) throws {
        _ = try OpenFile(folder, O_RDONLY | O_DIRECTORY)
    }

    /// Makes the names in `folder` durable. Over NFS they are already and the call costs nothing; some file
    /// systems refuse it (EINVAL) and then have nothing to sync.
    static func syncFolder(_ folder: String) throws {
        do { try OpenFile(folder, O_RDONLY | O_DIRECTORY).sync() } catch let error as SystemCallError
            where error.code == EINVAL
        {}
    }

    /// Creates `folder` (mode 0700) unless it is there; its parent has to exist.
    static func createFolder(_ folder: String) throws {
        _ = try systemCall("mkdir", expecting: EEXIST) { mkdir(folder, 0o700) }
    }

    /// Removes what writers left that died before their rename. The caller holds the lock that all writers of
    /// this folder hold, so that nothing in it is in use.
    static func removeTemporaryFiles(in folder: String) throws {
        for name in try names(in: folder) where name.hasPrefix(temporaryPrefix) {
            unlink("\(folder)/\(name)")
        }
    }

    /// The names in `folder`, in no order, without `.` and `..`.
    static func names(in folder: String) throws -> [String] {
        guard let stream = opendir(folder) else { throw SystemCallError("opendir", errno) }
        defer { closedir(stream) }
        var names = [String]()
        while let entry = readdir(stream) {
            let capacity = MemoryLayout.size(ofValue: entry.pointee.d_name)
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: capacity) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// Whether there is something of that name, as far as this host knows.
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// The file's length; 0 when there is none.
    static func bytes(of path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    /// As ``names(in:)``; none when there is no such folder.
    static func namesIfAny(in folder: String) throws -> [String] {
        access(folder, F_OK) == 0 ? try names(in: folder) : []
    }

    /// How long ago a file changed, by the clocks of this host and of the one that changed it; nil when there
    /// is none.
    static func secondsSinceChange(of name: String, in folder: String) -> Int? {
        var status = stat()
        guard stat("\(folder)/\(name)", &status) == 0 else { return nil }
        #if canImport(Darwin)
            let changed = status.st_mtimespec
        #else
            let changed = status.st_mtim
        #endif
        return time(nil) - changed.tv_sec
    }

    /// Proves that `folder` takes a file, keeps its bytes and gives them back.
    static func probe(_ folder: String) throws {
        let bytes = Array("probe".utf8)
        let path = try writeTemporary(bytes, in: folder)
        defer { unlink(path) }
        guard try OpenFile(path, O_RDONLY).readAll(bytesMax: bytes.count) == bytes else {
            throw SystemCallError("read", EIO)
        }
    }

    private static func writeTemporary(_ bytes: [UInt8], in folder: String) throws -> String {
        let path = "\(folder)/\(temporaryPrefix)\(UInt64.random(in: .min ... .max))"
        // No O_EXCL: 64 random bits are exclusive enough, and over NFSv4.1 an exclusive create costs a
        // SETATTR as well.
        let file = try OpenFile(path, O_WRONLY | O_CREAT)
        do {
            try file.writeAll(bytes)
            try file.sync()
            try file.closeReportingErrors()
        } catch {
            unlink(path)
            throw error
        }
        return path
    }
}
