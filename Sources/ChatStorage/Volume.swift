#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The folder that all tasks share, checked and ready for use.
///
/// ```
/// stoa-volume.json            what the volume is: written once
/// shards/0a/                  the databases, one folder a shard (store sqlite)
/// sessions/ab/<id>.json       the sessions, by the first two digits of their ids (store files)
/// tasks/<task id>             one locked file for each task that lives
/// ```
/// Folders have mode 0700, files 0600.
package struct Volume: Sendable {
    /// What a manifest that is created gets when nobody asks for anything else.
    package static let shardsDefault = 16
    /// What a volume is made with when nobody asks for anything else.
    package static let engineDefault = VolumeManifest.Engine.volume
    /// How long a volume may take to answer before it is given up: longer than an NFS server's restart,
    /// shorter than an operator's patience.
    package static let answerSecondsMax = 60

    /// The volume's folder, without a slash at its end.
    package let folder: String
    /// What it is.
    package let manifest: VolumeManifest

    /// The folder of one database; it exists.
    package func shardFolder(_ index: Int) -> String {
        precondition((0..<manifest.shards).contains(index), "no such shard")
        return "\(folder)/shards/\(Self.hexadecimal(index))"
    }

    /// A database's short name in logs and file names: two hexadecimal digits.
    package func shardName(_ index: Int) -> String { Self.hexadecimal(index) }

    /// The folder that holds all folders of sessions; it exists.
    package var sessionsFolder: String { "\(folder)/sessions" }

    /// The folder of the tasks' locks; it exists.
    package var tasksFolder: String { "\(folder)/tasks" }

    /// Opens a volume that exists.
    ///
    /// - Parameters:
    ///   - store: what the volume must be; nil takes any.
    ///   - engine: what it must have been made with; nil takes any.
    /// - Throws: `VolumeError`.
    package static func open(
        at folder: String, store: VolumeManifest.Store? = nil, engine: VolumeManifest.Engine? = nil
    ) async throws -> Volume {
        try await onLane(folder) {
            let folder = trimmed(folder)
            try checkFolder(folder)
            guard let manifest = try VolumeManifest.read(in: folder) else {
                throw VolumeError(
                    .noManifest,
                    """
                    \(folder) is no volume yet: it has no \(VolumeManifest.fileName). Run `stoa volume \
                    init`.
                    """
                )
            }
            return try prepared(folder, manifest, store, engine)
        }
    }

    /// Makes a volume in `folder`, which is created if only its last part is missing. A volume that is there
    /// already is opened, so that a retry, and any number of processes at once, all end up with the same one.
    /// - Throws: `VolumeError`; `lost_manifest` for a folder that holds data but no manifest.
    package static func create(
        at folder: String, store: VolumeManifest.Store = .sqlite,
        engine: VolumeManifest.Engine = engineDefault,
        shards: Int = shardsDefault
    ) async throws -> Volume {
        try await openOrCreate(
            at: folder, store: store, engine: store == .sqlite ? engine : nil, shards: shards)
    }

    /// Opens the volume, or creates it when the folder holds none. Safe for any number of processes at once.
    ///
    /// - Parameters:
    ///   - store: nil takes what is there and else makes `sqlite`.
    ///   - engine: nil takes what is there and else makes ``engineDefault``.
    ///   - shards: only for a volume that is created.
    /// - Throws: `VolumeError`.
    package static func openOrCreate(
        at folder: String, store: VolumeManifest.Store? = nil, engine: VolumeManifest.Engine? = nil,
        shards: Int = shardsDefault
    ) async throws -> Volume {
        precondition((1...VolumeManifest.shardsMax).contains(shards), "shards out of range")
        return try await onLane(folder) {
            let folder = trimmed(folder)
            try AtomicFile.createFolder(folder)
            try checkFolder(folder)
            let manifest =
                try VolumeManifest.read(in: folder)
                ?? createManifest(
                    VolumeManifest(
                        store: store ?? .sqlite, engine: engine ?? engineDefault, shards: shards,
                        createdBy: hostName()),
                    in: folder)
            return try prepared(folder, manifest, store, engine)
        }
    }

    /// The name of this host, as people know it.
    package static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "unknown" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    static func hexadecimal(_ byte: Int) -> String {
        let digits = String(byte, radix: 16)
        return digits.count < 2 ? "0" + digits : digits
    }
}

extension Volume {
    /// Runs `body` off the cooperative pool and puts what goes wrong into words.
    private static func onLane<Value: Sendable>(
        _ folder: String, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let lane = BlockingLane(label: "stoa.volume", jobsMax: 1)
        do {
            return try await lane.run(until: .now + .seconds(answerSecondsMax), body)
        } catch let error as SystemCallError {
            throw VolumeError(error, folder)
        } catch is BlockingLane.TimedOut {
            throw VolumeError(
                .noAnswer,
                """
                The volume \(folder) did not answer within \(answerSecondsMax) s. Is its server up and \
                reachable?
                """
            )
        }
    }

    /// Absolute, because SQLite names a shard's log after the path it was given, and the process may move;
    /// and without a slash at its end.
    private static func trimmed(_ folder: String) -> String {
        var folder = folder
        if !folder.hasPrefix("/") {
            var bytes = [CChar](repeating: 0, count: Int(PATH_MAX))
            guard getcwd(&bytes, bytes.count) != nil else { return folder }
            let here = String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            folder = "\(here)/\(folder.hasPrefix("./") ? String(folder.dropFirst(2)) : folder)"
        }
        while folder.count > 1, folder.last == "/" { folder.removeLast() }
        return folder
    }
}

extension VolumeError {
    /// A system call on the volume's own folders that failed, in words.
    init(_ error: SystemCallError, _ folder: String) {
        self =
            switch error.code {
            case ENOENT: VolumeError(.missing, "\(folder) does not exist. Is the volume mounted?")
            case ENOTDIR: VolumeError(.notAFolder, "\(folder) is not a folder.")
            case EROFS: VolumeError(.readOnly, "\(folder) is on a file system that is mounted read-only.")
            case ENOSPC, EDQUOT: VolumeError(.full, "\(folder) is full: \(error).")
            case EACCES, EPERM:
                VolumeError(.notWritable, "This process (user \(geteuid())) may not use \(folder): \(error).")
            default:
                VolumeError(
                    .failed,
                    "\(folder) cannot be used: \(error).\(error.advice.map { " Probably \($0)." } ?? "")")
            }
    }
}
