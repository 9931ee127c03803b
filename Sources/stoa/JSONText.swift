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
        try text(of: value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes], inSnakeCase: inSnakeCase)
    }

    /// `value` as JSON on one line.
    static func line(_ value: some Encodable) throws -> String {
        try text(of: value, [.sortedKeys, .withoutEscapingSlashes], inSnakeCase: false)
    }

    private static func text(
        of value: some Encodable, _ format: JSONEncoder.OutputFormatting, inSnakeCase: Bool
    ) throws -> String {
        let encoder = JSONEncoder()
        if inSnakeCase { encoder.keyEncodingStrategy = .convertToSnakeCase }
        encoder.outputFormatting = format
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
