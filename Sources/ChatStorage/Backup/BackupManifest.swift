package import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a finished backup says of itself: `stoa-backup.json` in its folder.
package struct BackupManifest: Codable, Sendable {
    /// One shard, or one folder of session files.
    package struct Part: Codable, Hashable, Sendable {
        /// Two hexadecimal digits.
        package let name: String
        /// The file's path in the backup's folder; it names its content.
        package let file: String
        /// The file's length.
        package let bytes: Int
        /// Of the file's bytes, in hexadecimal digits.
        package let sha256: String
        /// How many of each it holds.
        package let sessions: Int
        package let messages: Int
        /// The shard's state that was copied: the same one is not copied again.
        let mark: ShardMark?
        /// The same for a folder of session files.
        let filesMark: String?

        private enum CodingKeys: String, CodingKey {
            case name, file, bytes, sha256, sessions, messages, mark
            case filesMark = "files_mark"
        }
    }

    /// The manifest's name in the backup's folder.
    package static let fileName = "stoa-backup.json"
    static let formatKnown = 1
    private static let fileBytesMax = 16 << 20

    /// The layout's version.
    package let format: Int
    /// The volume that was copied.
    package let volume: VolumeManifest
    /// When it began, and when it was whole, by the clock of the host that made it.
    package let began: Timestamp
    package let finished: Timestamp
    /// The host that made it.
    package let host: String
    /// In the order of the parts.
    package let parts: [Part]

    private enum CodingKeys: String, CodingKey {
        case format, volume, host, parts
        case began = "began_ms"
        case finished = "finished_ms"
    }

    init(volume: VolumeManifest, began: Timestamp, parts: [Part]) {
        format = Self.formatKnown
        self.volume = volume
        self.began = began
        finished = .now()
        host = Volume.hostName()
        self.parts = parts
    }

    /// The manifest in `folder`; nil when there is none, that is when no backup was ever finished there.
    /// Blocks.
    /// - Throws: ``ChatError/Code/invalid`` when it is damaged or of a later format; `SystemCallError`.
    static func read(in folder: String) throws -> BackupManifest? {
        guard AtomicFile.exists(folder),
            let bytes = try AtomicFile.read(fileName, in: folder, bytesMax: fileBytesMax)
        else { return nil }
        guard let manifest = try? JSONDecoder().decode(BackupManifest.self, from: Data(bytes)),
            manifest.format <= formatKnown
        else {
            throw ChatError(.invalid, "\(fileName) is damaged, or of a later version of this program.")
        }
        return manifest
    }

    func write(in folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try AtomicFile.replace(
            Self.fileName, in: folder, with: Array(try encoder.encode(self)) + [UInt8(ascii: "\n")])
    }
}
