/// The only secret: 256 random bits, made by the server, kept in the browser's localStorage.
///
/// It has no description on purpose: it cannot end up in a log or an error by interpolation.
package struct SessionKey: Sendable, CustomStringConvertible, CustomReflectable {
    private static let prefix = "stoa_"
    private static let byteCount = 32
    let bytes: [UInt8]

    /// A fresh key from the system's random source.
    package init() {
        var generator = SystemRandomNumberGenerator()
        bytes = (0..<Self.byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// The key that a client sent, or nil when it is malformed.
    package init?(_ text: some StringProtocol) {
        guard text.hasPrefix(Self.prefix), text.utf8.count == Self.prefix.utf8.count + 43,
            let bytes = Base64URL.decode(text.dropFirst(Self.prefix.count)), bytes.count == Self.byteCount
        else { return nil }
        self.bytes = bytes
    }

    /// A key that was derived.
    init(bytes: [UInt8]) {
        precondition(bytes.count == Self.byteCount, "a key has 32 bytes")
        self.bytes = bytes
    }

    /// What the browser keeps; the `stoa_` in front lets secret scanners find a leaked one.
    package var secretText: String { Self.prefix + Base64URL.encode(bytes) }

    /// The session this key opens. The volume only ever sees this hash.
    package var sessionID: SessionID { SessionID(hash: SHA256.hash(bytes)) }

    package var description: String { "stoa_<secret>" }
    package var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

/// Names a session: the SHA-256 of its key.
package struct SessionID: Hashable, Sendable, Codable, CustomStringConvertible {
    /// The 32 bytes of the hash.
    package let bytes: [UInt8]

    /// Takes 32 bytes.
    package init(hash bytes: [UInt8]) {
        precondition(bytes.count == 32, "a session id has 32 bytes")
        self.bytes = bytes
    }

    /// The id by its 64 lower-case hexadecimal digits, or nil.
    package init?(hexadecimal text: some StringProtocol) {
        let digits = text.utf8.map { byte -> UInt8? in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
            default: nil
            }
        }
        guard digits.count == 64, !digits.contains(nil) else { return nil }
        let values = digits.compactMap(\.self)
        bytes = stride(from: 0, to: 64, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = SessionID(hexadecimal: try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a session id")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hexadecimal)
    }

    /// 64 lower-case hexadecimal digits.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The first 8 digits, for people and logs.
    package var short: String { String(hexadecimal.prefix(8)) }

    package var description: String { short }
}
