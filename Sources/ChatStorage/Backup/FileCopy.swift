import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Copies of files in slices, with the checksum of what was written. Everything blocks.
enum FileCopy {
    static let sliceBytes = 1 << 20

    /// What was written.
    struct Written: Hashable, Sendable {
        let bytes: Int
        /// SHA-256 in hexadecimal digits.
        let sha256: String
    }

    /// Writes `source`, from its start, into a new file and makes that durable.
    /// - Parameter edit: may change the first slice, in which all of a database's header is.
    /// - Throws: `SystemCallError`; `CancellationError` between two slices.
    static func copy(
        _ source: borrowing OpenFile, to path: String, edit: (inout [UInt8]) -> Void = { _ in }
    ) throws -> Written {
        let target = try OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC)
        let written = try walk(source, edit: edit) { try target.writeAll($0) }
        try target.sync()
        try target.closeReportingErrors()
        return written
    }

    /// The checksum of a file's bytes.
    /// - Throws: as ``copy(_:to:edit:)``.
    static func checksum(of path: String, edit: (inout [UInt8]) -> Void = { _ in }) throws -> Written {
        try walk(try OpenFile(path, O_RDONLY), edit: edit) { _ in }
    }

    private static func walk(
        _ source: borrowing OpenFile, edit: (inout [UInt8]) -> Void, _ body: ([UInt8]) throws -> Void
    ) throws -> Written {
        var checksum = SHA256()
        var at = 0
        var slice = [UInt8](repeating: 0, count: sliceBytes)
        let descriptor = source.descriptor
        while true {
            try Task.checkCancellation()
            let count = try systemCall("pread") { pread(descriptor, &slice, sliceBytes, off_t(at)) }
            guard count > 0 else { break }
            var piece = Array(slice[..<count])
            if at == 0 { edit(&piece) }
            checksum.update(piece)
            try body(piece)
            at += count
        }
        return Written(bytes: at, sha256: Self.hexadecimal(checksum.finish()))
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String { bytes.map { Volume.hexadecimal(Int($0)) }.joined() }
}
