#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// What the running system says about its mounts.
extension MountTable {
    /// The mount that `path` lies on by its text alone: asks nothing of the volume, so that it answers even
    /// when the volume hangs. Symbolic links are not followed.
    static func mount(ofText path: String) -> Mount? {
        system()?.mount(of: absolute(path))
    }

    /// The mount that `folder` lies on. Blocks on the volume.
    /// - Throws: `SystemCallError` when the folder is missing or cannot be reached.
    static func mount(ofFolder folder: String) throws -> Mount? {
        guard let resolved = realpath(folder, nil) else { throw SystemCallError("realpath", errno) }
        defer { free(resolved) }
        let path = String(cString: resolved)
        #if os(Linux)
            var status = stat()
            try systemCall("stat") { stat(path, &status) }
            // After stat, which has an automounter mount what it promised.
            return system()?.mount(of: path, device: "\(major(status.st_dev)):\(minor(status.st_dev))")
        #else
            return try statfsMount(path)
        #endif
    }

    private static func system() -> MountTable? {
        SystemText.read("/proc/self/mountinfo").map { MountTable($0) }
    }

    private static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        guard getcwd(&buffer, buffer.count) != nil else { return path }
        let folder = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path == "." ? folder : "\(folder)/\(path.hasPrefix("./") ? String(path.dropFirst(2)) : path)"
    }

    #if os(Linux)
        // makedev(3) is a macro: bits 8 to 19 and 32 to 63 are the major number, the rest the minor one.
        private static func major(_ device: dev_t) -> UInt64 {
            let device = UInt64(device)
            return (device >> 8) & 0xfff | (device >> 32) & ~0xfff
        }

        private static func minor(_ device: dev_t) -> UInt64 {
            let device = UInt64(device)
            return device & 0xff | (device >> 12) & ~0xff
        }
    #else
        private static func statfsMount(_ path: String) throws -> Mount {
            var status = statfs()
            try systemCall("statfs") { statfs(path, &status) }
            return Mount(
                mountPoint: text(status.f_mntonname), type: text(status.f_fstypename),
                source: text(status.f_mntfromname),
                options: [status.f_flags & UInt32(MNT_RDONLY) == 0 ? "rw" : "ro"])
        }

        private static func text<Characters>(_ characters: Characters) -> String {
            withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
    #endif
}

/// The small texts under /proc and /sys.
enum SystemText {
    private static let bytesMax = 16 << 20

    /// The file's text; nil when this system has no such file. Never asks a volume.
    static func read(_ path: String) -> String? {
        guard let file = try? OpenFile(path, O_RDONLY), let bytes = try? file.readAll(bytesMax: bytesMax)
        else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
