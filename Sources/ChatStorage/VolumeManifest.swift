package import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What `stoa-volume.json` says: how the data on a volume is laid out. Written once, never changed.
package struct VolumeManifest: Codable, Sendable, Equatable {
    /// How sessions are kept.
    package enum Store: String, Codable, Sendable, CaseIterable { case sqlite, files }

    /// How SQLite reaches its files. Tasks with different engines on one volume would not see each other's
    /// locks.
    package enum Engine: String, Codable, Sendable, CaseIterable { case portable, volume }

    /// The manifest's file name in the volume's folder.
    static let fileName = "stoa-volume.json"
    /// The layout this program knows.
    static let formatKnown = 1
    /// How many shards a volume may have: each costs a task a few open files, two folder entries and a lock.
    package static let shardsMax = 256
    private static let fileBytesMax = 64 * 1024

    /// The layout's version.
    package let format: Int
    /// 128 random bits in hexadecimal: tells volumes apart, and who created this one.
    package let id: String
    /// How sessions are kept.
    package let store: Store
    /// Only with `sqlite`.
    package let engine: Engine?
    /// Database files that sessions are spread over; 0 with `files`.
    package let shards: Int
    /// When it was made, by the clock of the host that made it.
    package let created: Timestamp
    /// The host that created it, for people.
    package let createdBy: String

    private enum CodingKeys: String, CodingKey {
        case format, id, store, engine, shards
        case created = "created_ms"
        case createdBy = "created_by"
    }

    /// A manifest for a new volume.
    /// - Parameters: `engine` and `shards` count with `sqlite` only.
    package init(store: Store, engine: Engine, shards: Int, createdBy host: String) {
        format = Self.formatKnown
        id = (0..<4).map { _ in
            let digits = String(UInt32.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
        self.store = store
        self.engine = store == .sqlite ? engine : nil
        self.shards = store == .sqlite ? shards : 0
        created = .now()
        createdBy = host
    }

    /// The manifest in `folder`, or nil when there is none. Blocks.
    /// - Throws: `VolumeError` `newer_format` or `malformed_manifest`; `SystemCallError`.
    static func read(in folder: String) throws -> VolumeManifest? {
        guard let bytes = try AtomicFile.read(fileName, in: folder, bytesMax: fileBytesMax) else {
            return nil
        }
        let data = Data(bytes)
        struct Format: Decodable { let format: Int }
        let malformed = VolumeError(
            .malformedManifest,
            """
            \(folder)/\(fileName) is damaged: nothing was changed. Restore it from a backup; without it \
            the volume's layout is not known.
            """
        )
        // The number first: a later format may have other fields.
        guard let format = try? JSONDecoder().decode(Format.self, from: data).format else { throw malformed }
        guard format <= formatKnown else {
            throw VolumeError(
                .newerFormat,
                """
                The volume \(folder) has format \(format), this program knows \(formatKnown): use the \
                newer program that made it.
                """
            )
        }
        guard let manifest = try? JSONDecoder().decode(VolumeManifest.self, from: data), manifest.isSound
        else {
            throw malformed
        }
        return manifest
    }

    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }

    private var isSound: Bool {
        guard format >= 1, !id.isEmpty else { return false }
        return switch store {
        case .sqlite: engine != nil && (1...Self.shardsMax).contains(shards)
        case .files: engine == nil
        }
    }
}
