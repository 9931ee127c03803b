// Canonical decomposition is in the standard library, which compares strings by it, but under no public name;
// Foundation's essentials have none, and a table of our own would be thirty kilobytes.
@_spi(_Unicode) import Swift

/// Makes texts comparable as people compare them: without regard to case, accents and width, in every
/// script.
///
/// Scalar by scalar, so that a place in what was folded can be found again in the text: lower case by way of
/// upper case (`ß` is `ss`, every sigma the same), decomposed, without the marks above and below letters,
/// Hebrew points and Arabic vowels among them. Marks that make another letter stay: those of Japanese, Thai
/// and the scripts of India.
package struct TextFold: Sendable {
    private var known: [Unicode.Scalar: [UInt8]] = [:]
    /// Scalars that are remembered; past that each is folded anew.
    private static let knownMax = 4_096

    /// Letters that Unicode does not take apart, but people do.
    private static let letters: [Unicode.Scalar: Unicode.Scalar] = [
        "ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ŧ": "t", "ı": "i",
    ]

    /// Knows nothing yet.
    package init() {}

    /// What is compared, in UTF-8.
    package mutating func bytes(of text: String) -> [UInt8] {
        var folded: [UInt8] = []
        folded.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars { append(scalar, to: &folded) }
        return folded
    }

    /// Appends what is compared of one scalar; that may be nothing.
    package mutating func append(_ scalar: Unicode.Scalar, to folded: inout [UInt8]) {
        switch scalar.value {
        case 0x41...0x5A: folded.append(UInt8(scalar.value) + 0x20)
        case ..<0x80: folded.append(UInt8(scalar.value))
        // Chinese characters are themselves.
        case 0x4E00...0x9FFF: folded.append(contentsOf: UTF8.encode(scalar) ?? .init())
        default:
            if let bytes = known[scalar] {
                folded += bytes
            } else {
                let bytes = Self.bytes(of: scalar)
                if known.count < Self.knownMax { known[scalar] = bytes }
                folded += bytes
            }
        }
    }

    private static func bytes(of scalar: Unicode.Scalar) -> [UInt8] {
        let narrow = (0xFF01...0xFF5E).contains(scalar.value) ? scalar.value - 0xFEE0 : scalar.value
        let first = Unicode.Scalar(narrow) ?? scalar
        let lower = first.properties.lowercaseMapping.unicodeScalars
            .flatMap { Array($0.properties.uppercaseMapping.unicodeScalars) }
            .flatMap { Array($0.properties.lowercaseMapping.unicodeScalars) }
        var kept = String.UnicodeScalarView()
        var whole = String.UnicodeScalarView()
        whole.append(contentsOf: lower)
        for part in String(whole)._nfd where !isLeftOut(part) { kept.append(letters[part] ?? part) }
        return Array(String(kept).utf8)
    }

    /// By canonical combining class: 10 to 35 are the points and vowels of Hebrew, Arabic and Syriac, 200 and
    /// up the marks around letters of any script.
    private static func isLeftOut(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.canonicalCombiningClass.rawValue {
        case 10...36, 200...: true
        default: scalar.properties.isDefaultIgnorableCodePoint
        }
    }
}
