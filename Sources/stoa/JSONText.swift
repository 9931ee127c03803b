#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What `--json` prints.
enum JSONText {
    /// `value` as JSON, for machines and people: keys sorted, one member a line.
    /// - Parameter inSnakeCase: for a type whose many members have no names of their own in JSON.
    static func of(_ value: some Encodable, inSnakeCase: Bool = false) throws -> String {
        let encoder = JSONEncoder()
        if inSnakeCase { encoder.keyEncodingStrategy = .convertToSnakeCase }
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
