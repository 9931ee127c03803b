import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Copies a volume into a folder while tasks serve: each shard as it was at one moment after the backup
/// began, only what changed since the last time, verified after it was written.
///
/// ```
/// stoa-backup.json                 written last, in one step: what belongs to the backup
/// parts/0a-<16 digits of its hash> a shard as an ordinary SQLite database, or a folder's session files
/// ```
/// Files are never changed under their names, so the last whole backup stays whole until the new one is.
package struct Backup: Sendable {
    /// What happens, for whoever shows it.
    package enum Event: Sendable {
        /// One more part is in the backup.
        case copied(BackupManifest.Part, heldMilliseconds: Int)
        /// One more part is as it was.
        case kept(BackupManifest.Part)
    }

    /// What was made.
    package struct Result: Sendable {
        package let manifest: BackupManifest
        /// Parts that were written anew.
        package let copied: Int
        /// The longest time for which a shard was held.
        package let heldMilliseconds: Int
        /// What is wrong with parts that were copied all the same: part and sentence.
        package let faults: [String]
    }

    private let volume: Volume
    private let folder: String
    private let waitSeconds: Int

    /// - Parameters:
    ///   - folder: absolute; made if only its last part is missing.
    ///   - waitSeconds: for a shard that stays taken.
    package init(of volume: Volume, to folder: String, waitSeconds: Int = 60) {
        self.volume = volume
        self.folder = folder
        self.waitSeconds = waitSeconds
    }

    /// Makes the backup. Ended at any moment and run again it ends in the same state.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` when another backup writes there or a shard stays
    ///   taken; ``ChatError/Code/conflict`` when the folder holds another volume's backup; `VolumeError`.
    package func run(report: @Sendable (Event) -> Void = { _ in }) async throws -> Result {
        let began = Timestamp.now()
        let lock = try await prepared()
        defer { try? lock.unlock() }
        let last = try onFolder { try BackupManifest.read(in: folder) }
        if let last, last.volume.id != volume.manifest.id {
            throw ChatError(
                .conflict, "\(folder) holds the backup of another volume, \(last.volume.id).")
        }
        let known = Dictionary(uniqueKeysWithValues: (last?.parts ?? []).map { ($0.name, $0) })
        let lane = MigrationLane()
        var parts: [BackupManifest.Part] = []
        var copied = 0
        var longest = 0
        var faults: [String] = []
        for number in 0..<volume.partsCount {
            try Task.checkCancellation()
            let name = volume.partName(number)
            let usable = known[name].flatMap {
                AtomicFile.bytes(of: "\(folder)/\($0.file)") == $0.bytes ? $0 : nil
            }
            let made = try await lane.back(
                up: number, of: volume, to: folder, unless: usable, waitSeconds: waitSeconds)
            guard let made else {
                if let usable { parts.append(usable) }
                if let usable { report(.kept(usable)) }
                continue
            }
            parts.append(made.part)
            copied += 1
            longest = max(longest, made.heldMilliseconds)
            faults += made.faults.map { "\(name): \($0)" }
            report(.copied(made.part, heldMilliseconds: made.heldMilliseconds))
        }
        let manifest = BackupManifest(volume: volume.manifest, began: began, parts: parts)
        try onFolder {
            try AtomicFile.syncFolder("\(folder)/parts")
            try manifest.write(in: folder)
            let wanted = Set(parts.map(\.file))
            for name in try AtomicFile.names(in: "\(folder)/parts") where !wanted.contains("parts/\(name)") {
                unlink("\(folder)/parts/\(name)")
            }
        }
        return Result(manifest: manifest, copied: copied, heldMilliseconds: longest, faults: faults)
    }

    private func prepared() async throws -> FileLock {
        try onFolder {
            try AtomicFile.createFolder(folder)
            try AtomicFile.createFolder("\(folder)/parts")
            let lock = try FileLock("\(folder)/.lock", create: true)
            guard try lock.tryLock() else {
                throw ChatError(.busy, "Another process writes a backup to \(folder) at the moment.")
            }
            return lock
        }
    }

    private func onFolder<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch let error as SystemCallError { throw VolumeError(error, folder) }
    }
}

extension Volume {
    /// Shards, or folders of session files.
    package var partsCount: Int { manifest.store == .sqlite ? manifest.shards : SessionFiles.count }

    /// A part's name: two hexadecimal digits.
    package func partName(_ number: Int) -> String { Self.hexadecimal(number) }
}
