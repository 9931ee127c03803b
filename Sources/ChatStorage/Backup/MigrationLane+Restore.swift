import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension MigrationLane {
    /// Puts one part of a backup in its place on a volume that nobody serves.
    /// - Returns: false when it was there already.
    /// - Throws: ``ChatError/Code/invalid`` when it is damaged in the backup; `SystemCallError`.
    func put(_ part: BackupManifest.Part, of folder: String, into volume: Volume) throws -> Bool {
        let source = "\(folder)/\(part.file)"
        guard let number = Int(part.name, radix: 16), (0..<volume.partsCount).contains(number) else {
            throw ChatError(.invalid, "The backup's part \(part.name) has no place on this volume.")
        }
        guard AtomicFile.exists(source), try FileCopy.checksum(of: source).sha256 == part.sha256 else {
            throw ChatError(
                .invalid, "The backup is damaged: \(part.file) is missing or not what was written.")
        }
        return switch volume.manifest.store {
        case .sqlite: try putShard(number, source, of: volume)
        case .files: try putFiles(number, source, of: volume)
        }
    }

    private func putShard(_ number: Int, _ source: String, of volume: Volume) throws -> Bool {
        let shard = ShardFile(number, of: volume.manifest.shards, volume: volume.folder)
        try AtomicFile.createFolder(shard.folder)
        let engine = volume.manifest.engine ?? .portable
        let edit: (inout [UInt8]) -> Void = { DatabaseHeader.makeShard(&$0, of: engine) }
        let wanted = try FileCopy.checksum(of: source, edit: edit)
        // A log belongs to the database it was written beside, and to no other.
        for name in try AtomicFile.names(in: shard.folder) where name != "sessions.db" {
            unlink("\(shard.folder)/\(name)")
        }
        if AtomicFile.exists(shard.path), try FileCopy.checksum(of: shard.path) == wanted { return false }
        let partial = "\(shard.folder)/.partial"
        _ = try FileCopy.copy(try OpenFile(source, O_RDONLY), to: partial, edit: edit)
        try systemCall("rename") { rename(partial, shard.path) }
        try AtomicFile.syncFolder(shard.folder)
        return true
    }

    private func putFiles(_ number: Int, _ source: String, of volume: Volume) throws -> Bool {
        let files = SessionFiles(number, of: volume)
        try AtomicFile.createFolder(files.path)
        var wanted = Set<String>()
        var isChanged = false
        try SessionArchive.read(source) { name, bytes in
            wanted.insert(name)
            if try files.bytes(of: name) == bytes { return }
            try AtomicFile.replace(name, in: files.path, with: bytes)
            isChanged = true
        }
        for name in try files.names() where !wanted.contains(name) {
            try AtomicFile.remove(name, in: files.path)
            isChanged = true
        }
        return isChanged
    }
}
