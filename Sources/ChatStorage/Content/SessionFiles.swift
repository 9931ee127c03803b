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

/// The session files of one of the 256 folders of a store of files, read without its lock: a file is replaced
/// in one step, so each is whole. Everything blocks.
struct SessionFiles {
    /// The folder.
    let path: String
    /// Its name: two hexadecimal digits.
    let part: String

    init(_ number: Int, of volume: Volume) { self.init(number, at: volume.sessionsFolder) }

    /// - Parameter folder: the one that holds all folders of sessions.
    init(_ number: Int, at folder: String) {
        part = Volume.hexadecimal(number)
        path = "\(folder)/\(part)"
    }

    /// How many folders there are.
    static let count = 256

    /// Names of session files, in ascending order.
    /// - Throws: `SystemCallError`.
    func names() throws -> [String] {
        try AtomicFile.namesIfAny(in: path).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted()
    }

    /// A file's bytes; nil when it is gone.
    /// - Throws: `SystemCallError`.
    func bytes(of name: String) throws -> [UInt8]? {
        try AtomicFile.read(name, in: path, bytesMax: SessionFolder.sessionBytesMax)
    }

    /// What tells whether a file changed: its length, its time and its number.
    func mark(of name: String) -> String? {
        var status = stat()
        guard stat("\(path)/\(name)", &status) == 0 else { return nil }
        #if canImport(Darwin)
            let modified = status.st_mtimespec
        #else
            let modified = status.st_mtim
        #endif
        return "\(status.st_size) \(modified.tv_sec).\(modified.tv_nsec) \(status.st_ino)"
    }

    /// What tells whether anything in the folder changed.
    func mark(of names: [String]) -> String {
        var checksum = SHA256()
        for name in names { checksum.update(Array("\(name) \(mark(of: name) ?? "")\n".utf8)) }
        return FileCopy.hexadecimal(checksum.finish())
    }

    /// What is in the folder and what is wrong with it.
    func report() -> PartReport {
        var report = PartReport(part: part)
        do {
            for name in try names() {
                guard let bytes = try bytes(of: name) else { continue }
                Self.examine(bytes, name, part, &report)
            }
            for name in try AtomicFile.namesIfAny(in: path)
            where !name.hasSuffix(".json") && name != ".lock" && !name.hasPrefix(AtomicFile.temporaryPrefix) {
                report.add("\(name) is no session's file")
            }
        } catch {
            report.add("it cannot be read: \(error)")
        }
        return report
    }

    /// Looks at one file's bytes.
    static func examine(_ bytes: [UInt8], _ name: String, _ part: String, _ report: inout PartReport) {
        report.bytes += bytes.count
        guard let file = SessionFolder.file(in: bytes) else {
            return report.add("\(name.prefix(8))… is damaged")
        }
        let document = file.document
        // A session whose key is just being rotated lies under its old name (SessionFolder+Rotation).
        let isMoving = file.was.map { "\($0.hexadecimal).json" == name } ?? false
        let id = document.session.id
        if "\(id.hexadecimal).json" != name, !isMoving {
            report.add("\(name.prefix(8))… holds another session")
        }
        if Volume.hexadecimal(Int(id.bytes[0])) != part {
            report.add("session \(id.short) is in the wrong folder")
        }
        for conversation in document.conversations
        where conversation.messages.count != conversation.conversation.messageCount {
            report.add("session \(id.short) counts its messages wrongly")
        }
        if let hash = try? ContentHash(of: document) { report.content.add(hash) }
    }
}
