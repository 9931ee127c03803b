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
    /// The schema that a program must know at least to go on reading a shard with this migration.
    package let minReader: Int
    /// The schema that a program must know at least to go on writing to a shard with this migration.
    package let minWriter: Int

    /// Makes a migration of a file's name, `NNNN_what.sql`, and its bytes.
    ///
    /// Comments on top of the file may say who can live with it, `-- min_reader: 5` and `-- min_writer: 5`:
    /// programs whose newest migration is 5 or later. Without them only a program that has this migration
    /// can.
    /// - Throws: ``ChatError/Code/internal`` when the name has no number, or when these make no sense.
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
        minWriter = try Self.declared("min_writer", in: sql, of: name) ?? version
        minReader = try Self.declared("min_reader", in: sql, of: name) ?? minWriter
        guard minReader <= minWriter, minWriter <= version, minReader > 0 else {
            throw ChatError(
                .internal,
                "The migration \(name) must have 0 < min_reader <= min_writer <= \(version).")
        }
    }

    /// The number behind `-- key:` in the comments on top.
    private static func declared(_ key: String, in sql: String, of name: String) throws -> Int? {
        let prefix = "-- \(key):"
        let comments = sql.split(separator: "\n", omittingEmptySubsequences: false).prefix {
            $0.isEmpty || $0.hasPrefix("--")
        }
        guard let line = comments.first(where: { $0.hasPrefix(prefix) }) else { return nil }
        let digits = line.dropFirst(prefix.count).drop { $0 == " " }.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits) else {
            throw ChatError(.internal, "The migration \(name) has no number behind \(key).")
        }
        return number
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
