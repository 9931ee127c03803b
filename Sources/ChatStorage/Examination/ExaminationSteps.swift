#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The steps of an examination, in their order. They block, and note what they find in the record.
struct ExaminationSteps {
    private static let freeBytesWanted: UInt64 = 1 << 30
    private static let freeFilesWanted: UInt64 = 10_000

    let folder: String
    let depth: VolumeExamination.Depth
    let peer: [String]
    let record: ExaminationRecord
    /// What the folder is to become if it is no volume yet.
    var planned: VolumeManifest.Engine?

    func run() {
        // First what asks nothing of the volume: it is known then even if the volume hangs.
        read(MountTable.mount(ofText: folder))
        do {
            // Again, because only now links are followed and an automounter has been woken.
            let mount = try MountTable.mount(ofFolder: folder)
            if mount != record.now.mount { read(mount) }
            guard try isFolder() else { return }
            try measureSpace()
            try judgeManifest()
            if record.now.findings.contains(where: { $0.code == "mount.read_only" }) { return }
            try ScratchFolder.with(in: folder) { try prove(in: $0) }
        } catch let error as SystemCallError {
            record.add(Self.finding(error, folder))
        } catch {
            record.add(Finding("volume.failed", .refused, "\(folder) cannot be used: \(error)."))
        }
    }

    private func read(_ mount: Mount?) {
        guard let mount else { return }
        let findings = MountRules.findings(mount, recoversLostLocks: Self.recoversLostLocks)
        let lease = ClientCalls.now(mount)?.leaseSeconds
        record.note {
            $0.mount = mount
            $0.findings = findings
            $0.leaseSeconds = lease
        }
    }

    /// The NFS client's switch that must never be on; false where there is no NFS client.
    private static var recoversLostLocks: Bool {
        ["nfs", "nfsv4"].contains {
            SystemText.read("/sys/module/\($0)/parameters/recover_lost_locks")?.first == "Y"
        }
    }

    private func isFolder() throws -> Bool {
        var status = stat()
        try systemCall("stat") { stat(folder, &status) }
        if status.st_mode & S_IFMT == S_IFDIR { return true }
        record.add(Finding("volume.not_a_folder", .refused, "\(folder) is not a folder."))
        return false
    }

    private func measureSpace() throws {
        record.step("was asked for its free space")
        var status = statvfs()
        try systemCall("statvfs") { statvfs(folder, &status) }
        let space = VolumeExamination.Space(status)
        record.note { $0.space = space }
        if space.freeBytes < Self.freeBytesWanted {
            record.add(
                Finding(
                    "volume.space", .warning,
                    "\(folder) has \(space.freeBytes >> 20) MiB left: a full volume takes no messages."))
        }
        // Some file systems make them as they need them and say 0 of 0.
        if status.f_files > 0 && UInt64(status.f_favail) < Self.freeFilesWanted {
            record.add(
                Finding(
                    "volume.files", .warning,
                    "\(folder) has room for \(status.f_favail) more files only (inodes)."))
        }
    }

    /// What a folder that is a volume already says of itself, or is to become.
    private func judgeManifest() throws {
        do {
            let manifest = try VolumeManifest.read(in: folder)
            let engine = manifest.map(\.engine) ?? planned
            let isNFS = record.now.mount?.isNFS == true
            if let finding = Self.finding(engine, isNFS: isNFS) { record.add(finding) }
        } catch let error as VolumeError {
            // Who serves opens the volume next, and says it with an exit status of its own.
            if depth == .full { record.add(Finding("volume.manifest", .refused, error.message)) }
        }
    }

    /// What an engine means on the file system that it is on.
    static func finding(_ engine: VolumeManifest.Engine?, isNFS: Bool) -> Finding? {
        guard engine == .portable && isNFS else { return nil }
        return Finding(
            "volume.engine", .refused,
            """
            The engine portable is not safe on NFS: no lock fences its journal, and a host that came back \
            after its lease had ended was seen to damage a database for good. Make a volume with the engine \
            volume.
            """)
    }

    private func prove(in scratch: ScratchFolder) throws {
        let files = FileProofs(scratch: scratch, record: record)
        try files.runAlone()
        record.step("was looked at by another process")
        do {
            try prove(in: scratch, files)
        } catch let error as SystemCallError where error.call == "posix_spawn" {
            unproven("it cannot be started (\(error))")
        } catch is PeerProcess.Gone {
            unproven("it ended")
        }
        if depth == .full { try measure(in: scratch) }
    }

    private func unproven(_ reason: String) {
        record.add(
            Finding(
                "lock.unproven", .warning,
                "That locks exclude another process was not proven: \(reason)."))
    }

    private func prove(in scratch: ScratchFolder, _ files: FileProofs) throws {
        let other = try PeerProcess(peer, folder: scratch.path, record: record)
        // Gone before the folder is removed: over NFS its open files would keep the folder.
        defer { other.end() }
        if depth == .full { try files.run(with: other) }
        try LockProofs(scratch: scratch, peer: other, record: record).run()
    }

    private func measure(in scratch: ScratchFolder) throws {
        try RoundTrips(scratch: scratch, record: record, mount: record.now.mount).run()
        guard let lease = record.now.leaseSeconds else { return }
        record.add(
            Finding(
                "client.lease", .good,
                "After a host's death others take its sessions over within \(lease + 2) s (lease \(lease) s)."
            ))
    }

    /// A system call that failed, as a finding.
    static func finding(_ error: SystemCallError, _ folder: String) -> Finding {
        switch error.code {
        case ENOENT:
            Finding("volume.missing", .refused, "\(folder) does not exist. Is the volume mounted?")
        case ENOTDIR: Finding("volume.not_a_folder", .refused, "\(folder) is not a folder.")
        case EROFS:
            Finding(
                "mount.read_only", .refused, "\(folder) is on a file system that is mounted read-only.",
                option: "rw")
        case EACCES, EPERM:
            Finding(
                "volume.not_writable", .refused,
                """
                This process (user \(geteuid())) may not write to \(folder): give it the folder (chown) or \
                its group.
                """)
        case ENOSPC, EDQUOT:
            Finding("volume.full", .refused, "Nothing can be written to \(folder): it is full (\(error)).")
        default:
            Finding(
                "volume.failed", .refused,
                "\(folder) cannot be used: \(error).\(error.advice.map { " Probably \($0)." } ?? "")")
        }
    }
}
