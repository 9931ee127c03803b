import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A folder of session files as one file: for each, a line with its name and length, and its bytes.
/// Everything blocks.
enum SessionArchive {
    private static let header = Array("stoa-sessions 1\n".utf8)
    private static let lineBytesMax = 200

    /// Writes the files of a folder into a new archive and makes it durable.
    /// - Throws: `SystemCallError`; `CancellationError` between two files.
    static func write(_ files: SessionFiles, _ names: [String], to path: String) throws -> FileCopy.Written {
        let target = try OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC)
        var checksum = SHA256()
        var count = 0
        func put(_ bytes: [UInt8]) throws {
            checksum.update(bytes)
            try target.writeAll(bytes)
            count += bytes.count
        }
        try put(header)
        for name in names {
            try Task.checkCancellation()
            // One that is gone was deleted while this was under way.
            guard let bytes = try files.bytes(of: name) else { continue }
            try put(Array("\(name) \(bytes.count)\n".utf8))
            try put(bytes)
        }
        try target.sync()
        return FileCopy.Written(bytes: count, sha256: FileCopy.hexadecimal(checksum.finish()))
    }

    /// Calls `body` with each file of an archive.
    /// - Throws: `SystemCallError`; ``ChatError`` for an archive that is damaged; what `body` throws.
    static func read(_ path: String, _ body: (_ name: String, _ bytes: [UInt8]) throws -> Void) throws {
        let file = try OpenFile(path, O_RDONLY)
        let end = Int(try file.status().st_size)
        guard try take(file, header.count, at: 0) == header else { throw damaged }
        var at = header.count
        while at < end {
            try Task.checkCancellation()
            let line = try take(file, min(lineBytesMax, end - at), at: at).prefix { $0 != 0x0A }
            let words = String(decoding: line, as: UTF8.self).split(separator: " ")
            guard words.count == 2, let count = Int(words[1]), count >= 0, at + line.count + 1 + count <= end,
                count <= SessionFolder.sessionBytesMax, !words[0].contains("/"), words[0].hasSuffix(".json")
            else { throw damaged }
            at += line.count + 1
            try body(String(words[0]), try take(file, count, at: at))
            at += count
        }
    }

    private static var damaged: ChatError { ChatError(.invalid, "A part of the backup is damaged.") }

    private static func take(_ file: borrowing OpenFile, _ count: Int, at: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        let descriptor = file.descriptor
        while done < count {
            let read = try bytes.withUnsafeMutableBytes { buffer in
                try systemCall("pread") {
                    pread(descriptor, buffer.baseAddress?.advanced(by: done), count - done, off_t(at + done))
                }
            }
            guard read > 0 else { throw damaged }
            done += read
        }
        return bytes
    }
}
