import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Reads all of a volume while tasks serve: every page, reference, counter and session.
package enum VolumeVerification {
    /// Looks at one part. A shard is copied into `scratch` and the copy is read, so that nobody waits.
    /// - Parameter scratch: absolute; it exists.
    /// - Throws: ``ChatError``; ``ChatError/Code/busy`` when a shard stays taken; `VolumeError` for the
    ///   scratch folder.
    package static func report(
        on number: Int, of volume: Volume, scratch: String, waitSeconds: Int = 60
    ) async throws -> PartReport {
        switch volume.manifest.store {
        case .files: return await MigrationLane().report(on: SessionFiles(number, of: volume))
        case .sqlite:
            return try await MigrationLane().report(
                onShard: number, of: volume, scratch: scratch, waitSeconds)
        }
    }

    /// What lies on the volume and belongs to nothing: paths in the volume's folder.
    /// - Throws: `VolumeError`.
    package static func strangers(on volume: Volume) async throws -> [String] {
        let known: Set<String> = [
            VolumeManifest.fileName, "tasks", "locks", "shards", "sessions", "lost+found",
        ]
        do {
            var found = try AtomicFile.names(in: volume.folder).filter {
                !known.contains($0) && !$0.hasPrefix(AtomicFile.temporaryPrefix) && !$0.hasPrefix(".stoa")
            }
            guard volume.manifest.store == .sqlite else { return found.sorted() }
            let shards = Set((0..<volume.manifest.shards).map(volume.shardName))
            for name in try AtomicFile.namesIfAny(in: "\(volume.folder)/shards") {
                guard shards.contains(name) else {
                    found.append("shards/\(name)")
                    continue
                }
                found += try AtomicFile.names(in: "\(volume.folder)/shards/\(name)")
                    .filter { !$0.hasPrefix("sessions.db") && $0 != "copy.lock" }
                    .map { "shards/\(name)/\($0)" }
            }
            return found.sorted()
        } catch let error as SystemCallError {
            throw VolumeError(error, volume.folder)
        }
    }
}

extension MigrationLane {
    func report(on files: SessionFiles) -> PartReport { files.report() }

    func report(
        onShard number: Int, of volume: Volume, scratch: String, _ waitSeconds: Int
    ) async throws -> PartReport {
        let shard = ShardFile(number, of: volume.manifest.shards, volume: volume.folder)
        let path = "\(scratch)/verify-\(shard.name)"
        defer { unlink(path) }
        do {
            _ = try await copy(
                shard, to: path, unless: nil, engine: try volume.storageEngine(),
                until: .now + .seconds(waitSeconds))
        } catch let error as SystemCallError {
            throw VolumeError(error, scratch)
        } catch let error as ChatError where error.code != .busy {
            // A file that SQLite cannot even open.
            var report = PartReport(part: shard.name)
            report.add(error.cause ?? error.message)
            return report
        }
        return DatabaseExamination.report(on: path, part: shard.name, migrator: Migrator(host: "")) {
            ShardFile.number(of: $0, count: volume.manifest.shards) == number
        }
    }
}
