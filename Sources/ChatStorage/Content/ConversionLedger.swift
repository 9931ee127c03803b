import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What a conversion has carried over of one part of its source: for each session what it was marked with
/// then, and the hash of what it held. Kept in the target until the conversion ends. Everything blocks.
struct ConversionLedger {
    /// One session.
    struct Entry: Codable, Hashable {
        /// Nil is not known: it is carried over again.
        let mark: String?
        let content: ContentHash
    }

    private struct File: Codable { let sessions: [String: Entry] }

    static let folderName = "convert"
    private static let fileBytesMax = 1 << 30
    private let folder: String
    private let name: String
    private(set) var sessions: [String: Entry] = [:]

    /// Reads what an earlier try has written down.
    /// - Throws: `SystemCallError`.
    init(part: String, in target: String) throws {
        folder = "\(target)/\(Self.folderName)"
        name = "\(part).json"
        try AtomicFile.createFolder(folder)
        if let bytes = try AtomicFile.read(name, in: folder, bytesMax: Self.fileBytesMax),
            let file = try? JSONDecoder().decode(File.self, from: Data(bytes))
        {
            sessions = file.sessions
        }
    }

    subscript(id: SessionID) -> Entry? {
        get { sessions[id.hexadecimal] }
        set { sessions[id.hexadecimal] = newValue }
    }

    /// - Throws: `SystemCallError`.
    func write() throws {
        let bytes = Array(try JSONEncoder().encode(File(sessions: sessions)))
        try AtomicFile.replace(name, in: folder, with: bytes)
    }
}
