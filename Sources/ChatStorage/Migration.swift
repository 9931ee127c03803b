import CMigrations
import ChatCore

/// One step of the schema: a file of `migrations/`, never changed once it has been released.
package struct Migration: Hashable, Sendable {
    /// 1, 2, 3 … without gaps: the number in front of the file's name, and `PRAGMA user_version` once it is
    /// applied.
    package let version: Int
    /// The file's name.
    package let name: String
    /// The SQL text.
    package let sql: String
    /// SHA-256 of the file's bytes, in hexadecimal digits: a file that was changed after its release is
    /// noticed.
    package let checksum: String

    /// Makes a migration of a file's name, `NNNN_what.sql`, and its bytes.
    /// - Throws: ``ChatError/Code/internal`` when the name has no number.
    package init(file name: String, bytes: some Sequence<UInt8>) throws {
        let digits = name.prefix { $0.isASCII && $0.isNumber }
        guard let version = Int(digits), version > 0, name.hasSuffix(".sql"),
            name.dropFirst(digits.count).hasPrefix("_")
        else {
            throw ChatError(.internal, "The migration \(name) has no number.")
        }
        let bytes = Array(bytes)
        self.version = version
        self.name = name
        sql = String(decoding: bytes, as: UTF8.self)
        checksum = SessionID(hash: SHA256.hash(bytes)).hexadecimal
    }
}

extension [Migration] {
    /// The migrations in this program, in ascending order.
    package static let embedded: [Migration] = {
        var count = 0
        let table = cmigrations(&count)
        return UnsafeBufferPointer(start: table, count: count).map { entry in
            do {
                return try Migration(
                    file: String(cString: entry.name),
                    bytes: UnsafeBufferPointer(start: entry.bytes, count: entry.count))
            } catch {
                preconditionFailure("an embedded migration is malformed: \(error)")
            }
        }
    }()
}
