#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// What happens between a path and a volume that may be used. Everything here blocks.
extension Volume {
    /// Refuses what is no folder, what cannot be listed, and what cannot be written: by writing, because
    /// modes and mount options alone say too little (an export can squash users, a quota can be used up).
    static func checkFolder(_ folder: String) throws {
        var status = stat()
        try systemCall("stat") { stat(folder, &status) }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw VolumeError(.notAFolder, "\(folder) is not a folder.")
        }
        do { _ = try AtomicFile.names(in: folder) } catch let error as SystemCallError
            where error.code == EACCES
        {
            throw VolumeError(
                .unreadable,
                """
                This process (user \(geteuid())) may not list \(folder): give it the folder (chown) or \
                its group.
                """
            )
        }
        do {
            try AtomicFile.probe(folder)
        } catch let error as SystemCallError where error.code == EACCES || error.code == EPERM {
            throw VolumeError(
                .notWritable,
                """
                This process (user \(geteuid())) may not write to \(folder): give it the folder (chown) \
                or its group.
                """
            )
        }
    }

    /// Puts `mine` on the volume unless another process was first, and returns what is there afterwards.
    static func createManifest(_ mine: VolumeManifest, in folder: String) throws -> VolumeManifest {
        // Data without a manifest: making a new one would give the sessions other places and so lose them
        // all. Another task may be creating the volume right now, but it makes its manifest before its
        // folders: look again.
        let names = try AtomicFile.names(in: folder)
        if let unfinished = try UnfinishedVolume.read(in: folder) {
            throw VolumeError(
                .lostManifest,
                "\(folder) is the target of a \(unfinished.work) that was not finished: run it again.")
        }
        if names.contains("shards") || names.contains("sessions") {
            guard let winner = try VolumeManifest.read(in: folder) else {
                throw VolumeError(
                    .lostManifest,
                    """
                    \(folder) holds data but no \(VolumeManifest.fileName): restore that file from a \
                    backup; a new one could lose all sessions.
                    """
                )
            }
            return winner
        }
        do {
            // Whatever link(2) says is not believed: its reply may have been lost. What the file says is the
            // truth.
            _ = try AtomicFile.createOnce(VolumeManifest.fileName, in: folder, with: mine.encoded())
        } catch let error as SystemCallError
            where error.call == "link" && [EPERM, EOPNOTSUPP, ENOTSUP, ENOSYS, EMLINK].contains(error.code)
        {
            throw VolumeError(
                .unsupported, "The file system of \(folder) has no hard links: it cannot be a volume.")
        }
        guard let winner = try VolumeManifest.read(in: folder) else {
            throw VolumeError(
                .failed, "\(folder)/\(VolumeManifest.fileName) vanished while the volume was created.")
        }
        return winner
    }

    /// The volume, when it is what was asked for, with all its folders.
    static func prepared(
        _ folder: String, _ manifest: VolumeManifest, _ store: VolumeManifest.Store?,
        _ engine: VolumeManifest.Engine?
    ) throws -> Volume {
        try VolumeMove.refuse(folder)
        if let store, store != manifest.store {
            throw VolumeError(
                .otherStore,
                """
                The volume \(folder) keeps sessions in the store \(manifest.store.rawValue), not \
                \(store.rawValue). Convert it, or leave the choice to the volume.
                """
            )
        }
        if let engine, manifest.store == .sqlite, engine != manifest.engine {
            throw VolumeError(
                .otherEngine,
                """
                The volume \(folder) was made with the engine \(manifest.engine?.rawValue ?? "none"), not \
                \(engine.rawValue). Both at once would not see each other's locks.
                """
            )
        }
        let volume = Volume(folder: folder, manifest: manifest)
        try AtomicFile.createFolder(volume.tasksFolder)
        switch manifest.store {
        case .sqlite:
            try AtomicFile.createFolder("\(folder)/shards")
            for index in 0..<manifest.shards { try AtomicFile.createFolder(volume.shardFolder(index)) }
            try AtomicFile.syncFolder("\(folder)/shards")
        case .files:
            try AtomicFile.createFolder(volume.sessionsFolder)
        }
        try AtomicFile.syncFolder(folder)
        return volume
    }
}
