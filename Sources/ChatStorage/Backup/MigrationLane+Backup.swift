import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension MigrationLane {
    /// A part as it was written into a backup.
    struct BackedUp: Sendable {
        let part: BackupManifest.Part
        let heldMilliseconds: Int
        let faults: [String]
    }

    /// Writes one part into a backup's folder and verifies what was written.
    /// - Returns: nil when it is as in `known`.
    /// - Throws: ``ChatError``; `VolumeError` for the folder.
    func back(
        up number: Int, of volume: Volume, to folder: String, unless known: BackupManifest.Part?,
        waitSeconds: Int
    ) async throws -> BackedUp? {
        let partial = "\(folder)/parts/.partial-\(volume.partName(number))"
        do {
            defer { unlink(partial) }
            switch volume.manifest.store {
            case .sqlite:
                return try await backUpShard(number, of: volume, to: partial, unless: known, waitSeconds)
            case .files:
                return try backUpFiles(number, of: volume, to: partial, unless: known)
            }
        } catch let error as SystemCallError {
            throw VolumeError(error, folder)
        }
    }

    private func backUpShard(
        _ number: Int, of volume: Volume, to partial: String, unless known: BackupManifest.Part?,
        _ waitSeconds: Int
    ) async throws -> BackedUp? {
        let shard = ShardFile(number, of: volume.manifest.shards, volume: volume.folder)
        let copy = try await copy(
            shard, to: partial, unless: known?.mark, engine: try volume.storageEngine(),
            until: .now + .seconds(waitSeconds))
        guard let copy else { return nil }
        let report = DatabaseExamination.report(
            on: partial, part: shard.name, migrator: Migrator(host: "")
        ) { ShardFile.number(of: $0, count: volume.manifest.shards) == number }
        return try finish(
            partial, copy.written, report, mark: copy.mark, filesMark: nil, held: copy.heldMilliseconds)
    }

    private func backUpFiles(
        _ number: Int, of volume: Volume, to partial: String, unless known: BackupManifest.Part?
    ) throws -> BackedUp? {
        let files = SessionFiles(number, of: volume)
        let names = try files.names()
        // Before the files are read: what changes meanwhile is copied the next time.
        let mark = files.mark(of: names)
        if let known, known.filesMark == mark { return nil }
        let written = try SessionArchive.write(files, names, to: partial)
        var report = PartReport(part: files.part)
        try SessionArchive.read(partial) { name, bytes in
            SessionFiles.examine(bytes, name, files.part, &report)
        }
        return try finish(partial, written, report, mark: nil, filesMark: mark, held: 0)
    }

    /// Reads what was written once more, and gives it its name.
    private func finish(
        _ partial: String, _ written: FileCopy.Written, _ report: PartReport, mark: ShardMark?,
        filesMark: String?, held: Int
    ) throws -> BackedUp {
        guard try FileCopy.checksum(of: partial) == written else {
            throw ChatError(
                .unavailable, "What was written to the backup could not be read back.",
                cause: "part \(report.part)")
        }
        let file = "parts/\(report.part)-\(written.sha256.prefix(16))"
        let folder = String(partial[..<(partial.range(ofLast: "/parts/") ?? partial.startIndex)])
        try systemCall("rename") { rename(partial, "\(folder)/\(file)") }
        return BackedUp(
            part: BackupManifest.Part(
                name: report.part, file: file, bytes: written.bytes, sha256: written.sha256,
                sessions: report.content.sessions, messages: report.content.messages, mark: mark,
                filesMark: filesMark),
            heldMilliseconds: held, faults: report.faults)
    }
}

extension String {
    /// Where `text` begins for the last time.
    fileprivate func range(ofLast text: String) -> Index? { ranges(of: text).last?.lowerBound }
}
