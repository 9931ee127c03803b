import ChatCore
package import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Carries all sessions of a volume into a new one with another store, engine or number of shards.
///
/// While tasks serve the source, a run carries over what there is, and the next one what changed since. The
/// first run that finds nobody serving closes the source (``VolumeMove``), carries over the rest, compares
/// counts and hashes, and makes the target a volume: nothing can be said in between and be lost.
package struct Conversion: Sendable {
    /// How far it has come, for whoever shows it.
    package struct Step: Sendable {
        /// The part of the source.
        package let part: Int
        package let partsCount: Int
        /// Sessions looked at so far by this pass, those carried over, and their messages.
        package let sessions: Int
        package let copied: Int
        package let messages: Int
    }

    /// How it ended.
    package struct Result: Sendable {
        /// Tasks that serve the source; nil when the conversion is finished.
        package let serving: Int?
        /// What the target holds.
        package let content: ContentHash
        /// Sessions carried over and removed by this run.
        package let copied: Int
        package let removed: Int
    }

    private static let pageMax = 200
    private static let concurrent = 8
    private static let ledgerSeconds = 2.0

    let source: Volume
    let target: String
    let manifest: VolumeManifest
    let logger: Logger

    /// - Parameters:
    ///   - target: absolute; made if only its last part is missing.
    ///   - manifest: what it becomes; one that was begun keeps what it was begun with.
    package init(from source: Volume, to target: String, as manifest: VolumeManifest, logger: Logger) {
        self.source = source
        self.target = target
        self.manifest = manifest
        self.logger = logger
    }

    /// Carries over. Ended at any moment and run again it goes on.
    /// - Throws: ``ChatError/Code/conflict`` when the target holds something else, or when the hashes differ;
    ///   ``ChatError/Code/busy`` when another process does the same; other ``ChatError``s; `VolumeError`.
    package func run(report: @Sendable (Step) -> Void = { _ in }) async throws -> Result {
        do {
            try AtomicFile.createFolder(target)
            let lock = try await VolumeLock.take(.assemble, in: target, until: .now + .seconds(5))
            defer { lock.release() }
            let claim = try UnfinishedVolume(
                work: "convert", source: source.manifest.id, manifest: manifest
            ).claim(target, overwrites: false)
            let volume = try claim.volume(target)
            try await VolumeMigration(of: volume).run()
            let from = try source.catalogue(logger: logger)
            let to = try volume.catalogue(logger: logger)
            do {
                let result = try await carry(from, to, claim, report)
                await from.close()
                await to.close()
                return result
            } catch {
                await from.close()
                await to.close()
                throw error
            }
        } catch let error as SystemCallError {
            throw VolumeError(error, target)
        }
    }

    private func carry(
        _ from: any SessionCatalogue, _ to: any SessionCatalogue, _ claim: UnfinishedVolume,
        _ report: @Sendable (Step) -> Void
    ) async throws -> Result {
        var tally = try await pass(from, to, report)
        var living = try await TaskPresence.living(on: source)
        if living.isEmpty {
            // Said first, asked afterwards: a task looks for it after it took its lock.
            try VolumeMove(to: target, claim.manifest).write(in: source.folder)
            living = try await TaskPresence.living(on: source)
            if !living.isEmpty { try AtomicFile.remove(VolumeMove.fileName, in: source.folder) }
        }
        guard living.isEmpty else {
            return Result(
                serving: living.count, content: tally.content, copied: tally.copied, removed: tally.removed)
        }
        let rest = try await pass(from, to, report)
        tally.copied += rest.copied
        tally.removed += rest.removed
        let found = try await content(of: to)
        guard found == rest.content else {
            throw ChatError(
                .conflict, "What arrived is not what was sent. Nothing was switched over.",
                cause: "\(rest.content.messages) messages \(rest.content.hexadecimal), "
                    + "found \(found.messages) messages \(found.hexadecimal)")
        }
        try claim.finish(target)
        try? FileManager.default.removeItem(atPath: "\(target)/\(ConversionLedger.folderName)")
        return Result(serving: nil, content: found, copied: tally.copied, removed: tally.removed)
    }

    /// What a pass did and saw.
    private struct Tally {
        var sessions = 0
        var copied = 0
        var removed = 0
        var messages = 0
        var content = ContentHash()
    }

    /// Carries over what is not as it was when it was carried over last.
    private func pass(
        _ from: any SessionCatalogue, _ to: any SessionCatalogue, _ report: @Sendable (Step) -> Void
    ) async throws -> Tally {
        var tally = Tally()
        for part in 0..<from.partsCount {
            var ledger = try ConversionLedger(part: source.partName(part), in: target)
            var seen = Set<String>()
            var last: SessionID?
            var written = ContinuousClock.now
            while true {
                try Task.checkCancellation()
                let page = try await from.marks(inPart: part, after: last, limit: Self.pageMax)
                guard let end = page.last else { break }
                let due = page.filter { $0.mark == nil || ledger[$0.id]?.mark != $0.mark }
                for (id, entry) in try await copy(due, from, to) {
                    // Gone since the list was made: removed below.
                    guard let entry else { continue }
                    ledger[id] = entry
                    tally.copied += 1
                    tally.messages += entry.content.messages
                }
                tally.sessions += page.count
                for mark in page { seen.insert(mark.id.hexadecimal) }
                last = end.id
                if written.duration(to: .now) > .seconds(Self.ledgerSeconds) {
                    try ledger.write()
                    written = .now
                }
                report(step(part, from, tally))
            }
            for id in ledger.sessions.keys where !seen.contains(id) {
                guard let id = SessionID(hexadecimal: id) else { continue }
                _ = try await to.remove(id, unusedSince: nil)
                ledger[id] = nil
                tally.removed += 1
            }
            try ledger.write()
            for entry in ledger.sessions.values { tally.content.add(entry.content) }
            report(step(part + 1, from, tally))
        }
        return tally
    }

    private func step(_ part: Int, _ from: any SessionCatalogue, _ tally: Tally) -> Step {
        Step(
            part: part, partsCount: from.partsCount, sessions: tally.sessions, copied: tally.copied,
            messages: tally.messages)
    }

    /// Several at once, so that they share transactions.
    private func copy(
        _ due: [SessionMark], _ from: any SessionCatalogue, _ to: any SessionCatalogue
    ) async throws -> [(SessionID, ConversionLedger.Entry?)] {
        try await withThrowingTaskGroup(of: (SessionID, ConversionLedger.Entry?).self) { group in
            var waiting = due.makeIterator()
            func addNext() {
                guard let mark = waiting.next() else { return }
                group.addTask {
                    guard let document = try await from.document(of: mark.id) else { return (mark.id, nil) }
                    try await to.put(document)
                    return (
                        mark.id,
                        ConversionLedger.Entry(mark: mark.mark, content: try ContentHash(of: document))
                    )
                }
            }
            for _ in 0..<Self.concurrent { addNext() }
            var done: [(SessionID, ConversionLedger.Entry?)] = []
            while let entry = try await group.next() {
                done.append(entry)
                addNext()
            }
            return done
        }
    }

    /// Reads everything back.
    private func content(of catalogue: any SessionCatalogue) async throws -> ContentHash {
        var content = ContentHash()
        for part in 0..<catalogue.partsCount {
            var last: SessionID?
            while true {
                let page = try await catalogue.marks(inPart: part, after: last, limit: Self.pageMax)
                guard let end = page.last else { break }
                for mark in page {
                    guard let document = try await catalogue.document(of: mark.id) else { continue }
                    content.add(try ContentHash(of: document))
                }
                last = end.id
            }
        }
        return content
    }
}

extension Conversion {
    /// Whether `source` was moved to `target` by a conversion that finished. What a run that was ended in its
    /// very last step left in the target is removed then.
    /// - Throws: `VolumeError`.
    package static func isFinished(from source: String, to target: String) throws -> Bool {
        do {
            guard AtomicFile.exists(source), AtomicFile.exists(target),
                let move = try VolumeMove.read(in: source),
                let manifest = try VolumeManifest.read(in: target)
            else { return false }
            guard move.volume == manifest.id else { return false }
            try? FileManager.default.removeItem(atPath: "\(target)/\(ConversionLedger.folderName)")
            try AtomicFile.remove(UnfinishedVolume.fileName, in: target)
            return true
        } catch let error as SystemCallError {
            throw VolumeError(error, source)
        }
    }

    /// Opens the source of a conversion that was ended after it had closed the source, too.
    /// - Throws: `VolumeError`.
    package static func openSource(_ folder: String, for target: String) async throws -> Volume {
        do {
            if AtomicFile.exists(folder), let move = try VolumeMove.read(in: folder), move.folder == target,
                let unfinished = try UnfinishedVolume.read(in: target), unfinished.work == "convert",
                let manifest = try VolumeManifest.read(in: folder), unfinished.source == manifest.id
            {
                return Volume(folder: folder, manifest: manifest)
            }
        } catch let error as SystemCallError {
            throw VolumeError(error, folder)
        }
        return try await Volume.open(at: folder)
    }
}
