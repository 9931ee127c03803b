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

/// Says of a volume that its sessions live elsewhere now: `stoa-moved.json`. Nobody opens it any more until
/// an operator removes that file. Everything blocks.
struct VolumeMove: Codable, Hashable {
    static let fileName = "stoa-moved.json"
    private static let fileBytesMax = 64 * 1024

    /// Where to, and the id of the volume there.
    let folder: String
    let volume: String
    let moved: Timestamp

    private enum CodingKeys: String, CodingKey {
        case folder, volume
        case moved = "moved_ms"
    }

    init(to folder: String, _ manifest: VolumeManifest) {
        self.folder = folder
        volume = manifest.id
        moved = .now()
    }

    /// Nil when the volume was not moved.
    /// - Throws: `SystemCallError`.
    static func read(in folder: String) throws -> VolumeMove? {
        guard let bytes = try AtomicFile.read(fileName, in: folder, bytesMax: fileBytesMax) else {
            return nil
        }
        return (try? JSONDecoder().decode(VolumeMove.self, from: Data(bytes)))
            ?? VolumeMove(folder: "an unknown folder", volume: "", moved: Timestamp(milliseconds: 0))
    }

    private init(folder: String, volume: String, moved: Timestamp) {
        (self.folder, self.volume, self.moved) = (folder, volume, moved)
    }

    /// - Throws: `SystemCallError`.
    func write(in folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.replace(Self.fileName, in: folder, with: Array(try encoder.encode(self)))
    }

    /// - Throws: `VolumeError` `moved`; `SystemCallError`.
    static func refuse(_ folder: String) throws {
        guard let move = try read(in: folder) else { return }
        throw VolumeError(
            .moved,
            """
            The sessions of \(folder) were moved to \(move.folder). To go back, losing what was said there \
            since, remove \(folder)/\(fileName).
            """)
    }
}
