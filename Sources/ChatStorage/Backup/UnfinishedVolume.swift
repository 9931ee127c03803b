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

/// A folder that a restore or a conversion is putting together: it becomes a volume with its manifest, which
/// comes last. Until then a marker says who works here, so that the same command goes on and no other does.
/// Everything blocks.
struct UnfinishedVolume: Codable {
    static let fileName = "stoa-unfinished.json"
    private static let fileBytesMax = 64 * 1024
    /// What may lie in a folder that is taken for empty.
    private static let harmless: Set<String> = [fileName, "locks", "lost+found"]

    /// `restore` or `convert`.
    let work: String
    /// What comes from where: the same work has the same.
    let source: String
    /// What the folder becomes.
    let manifest: VolumeManifest

    /// The marker in `folder`; nil when there is none.
    /// - Throws: `SystemCallError`.
    static func read(in folder: String) throws -> UnfinishedVolume? {
        guard AtomicFile.exists(folder),
            let bytes = try AtomicFile.read(fileName, in: folder, bytesMax: fileBytesMax)
        else { return nil }
        return try? JSONDecoder().decode(UnfinishedVolume.self, from: Data(bytes))
    }

    /// Claims `folder` for this work: it is empty, or this work was begun there before.
    /// - Parameter overwrites: what is there may be thrown away, as soon as nobody serves it.
    /// - Returns: the claim that holds: one that was made before, with its manifest.
    /// - Throws: ``ChatError/Code/conflict`` for a folder that holds something else; `SystemCallError`.
    func claim(_ folder: String, overwrites: Bool) throws -> UnfinishedVolume {
        try AtomicFile.createFolder(folder)
        if let found = try Self.read(in: folder) {
            if found.work == work, found.source == source { return found }
            if !overwrites {
                throw ChatError(
                    .conflict, "\(folder) is the target of another \(found.work) that was not finished.")
            }
        }
        let names = try AtomicFile.names(in: folder).filter { !Self.harmless.contains($0) }
        if !names.isEmpty, !overwrites {
            throw ChatError(
                .conflict, "\(folder) is not empty. Name an empty folder, or say --overwrite.")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.replace(Self.fileName, in: folder, with: Array(try encoder.encode(self)))
        // The manifest first: from here on it is no volume, and its data is nobody's.
        try AtomicFile.remove(VolumeManifest.fileName, in: folder)
        for name in ["shards", "sessions", "convert"] {
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
        return self
    }

    /// The folder is a volume from here on.
    /// - Throws: `SystemCallError`.
    func finish(_ folder: String) throws {
        try AtomicFile.replace(VolumeManifest.fileName, in: folder, with: manifest.encoded())
        try AtomicFile.remove(Self.fileName, in: folder)
    }

    /// The volume as it will be, for whoever fills it.
    func volume(_ folder: String) throws -> Volume {
        try Volume.prepared(folder, manifest, nil, nil)
    }
}
