import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Makes a volume of a backup. The volume exists when it is whole; until then no task can serve it.
package struct Restore: Sendable {
    /// What was made.
    package struct Result: Sendable {
        package let manifest: BackupManifest
        /// Parts that were written, and those that an earlier try had written already.
        package let written: Int
        package let kept: Int
    }

    private let folder: String
    private let target: String
    private let overwrites: Bool
    private let only: Set<String>

    /// - Parameters:
    ///   - folder: the backup's; absolute.
    ///   - target: the volume's; absolute, made if only its last part is missing.
    ///   - overwrites: throw away what is there, if nobody serves it.
    ///   - only: put only these parts back, into a volume that is there and that nobody serves.
    package init(_ folder: String, to target: String, overwrites: Bool = false, only: Set<String> = []) {
        self.folder = folder
        self.target = target
        self.overwrites = overwrites
        self.only = only
    }

    /// Restores. Ended at any moment and run again it goes on.
    /// - Throws: ``ChatError/Code/invalid`` when the backup is damaged, ``ChatError/Code/conflict`` when the
    ///   target is not empty, ``ChatError/Code/busy`` when tasks live there; `VolumeError`.
    package func run(report: @Sendable (BackupManifest.Part) -> Void = { _ in }) async throws -> Result {
        do {
            guard let manifest = try BackupManifest.read(in: folder) else {
                throw ChatError(.invalid, "\(folder) holds no backup that was finished.")
            }
            try await checkNobodyServes(manifest.volume)
            if !only.isEmpty { return try await restoreParts(manifest, report) }
            let claim = UnfinishedVolume(
                work: "restore", source: "\(manifest.volume.id) \(manifest.finished.milliseconds)",
                manifest: manifest.volume)
            try AtomicFile.createFolder(target)
            let lock = try await VolumeLock.take(.assemble, in: target, until: .now + .seconds(5))
            defer { lock.release() }
            _ = try claim.claim(target, overwrites: overwrites)
            let volume = try claim.volume(target)
            let lane = MigrationLane()
            var written = 0
            for part in manifest.parts {
                try Task.checkCancellation()
                if try await lane.put(part, of: folder, into: volume) { written += 1 }
                report(part)
            }
            try claim.finish(target)
            return Result(manifest: manifest, written: written, kept: manifest.parts.count - written)
        } catch let error as SystemCallError {
            throw VolumeError(error, target)
        }
    }

    private func restoreParts(
        _ manifest: BackupManifest, _ report: @Sendable (BackupManifest.Part) -> Void
    ) async throws -> Result {
        let volume = try await Volume.open(at: target)
        guard volume.manifest.id == manifest.volume.id else {
            throw ChatError(.conflict, "The backup is of another volume than \(target).")
        }
        let parts = manifest.parts.filter { only.contains($0.name) }
        guard parts.count == only.count else {
            throw ChatError(
                .invalid, "The backup has no part \(only.subtracting(parts.map(\.name)).sorted()).")
        }
        let lock = try await VolumeLock.take(.assemble, in: target, until: .now + .seconds(5))
        defer { lock.release() }
        let lane = MigrationLane()
        var written = 0
        for part in parts {
            if try await lane.put(part, of: folder, into: volume) { written += 1 }
            report(part)
        }
        return Result(manifest: manifest, written: written, kept: parts.count - written)
    }

    private func checkNobodyServes(_ manifest: VolumeManifest) async throws {
        guard AtomicFile.exists("\(target)/tasks") else { return }
        let tasks = try await TaskPresence.living(on: Volume(folder: target, manifest: manifest))
        guard let task = tasks.first else { return }
        throw ChatError(
            .busy, "Tasks serve \(target): \(tasks.count), one of them on \(task.host). Stop them first.")
    }
}
