/// An id that a client chose, so that sending a change twice is the same as sending it once.
///
/// 1 to 64 characters of `A-Z a-z 0-9 - _`: safe in a URL, a file name and a log.
package protocol ClientChosenID: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible
where RawValue == String {
    /// The noun for error messages.
    static var noun: String { get }
    /// Takes a value known to be well formed.
    init(uncheckedRawValue: String)
}

extension ClientChosenID {
    package init?(rawValue: String) {
        guard (1...Limits.idCharactersMax).contains(rawValue.utf8.count),
            rawValue.utf8.allSatisfy(Base64URL.isCharacter)
        else { return nil }
        self.init(uncheckedRawValue: rawValue)
    }

    /// - Throws: ``ChatError/Code/invalid`` when `text` breaks the rule.
    package init(validating text: String) throws {
        guard let id = Self(rawValue: text) else {
            throw ChatError(
                .invalid,
                "A \(Self.noun) id has 1 to \(Limits.idCharactersMax) characters of A-Z, a-z, 0-9, - and _.")
        }
        self = id
    }

    /// A fresh id of 132 random bits.
    package static func random() -> Self {
        var generator = SystemRandomNumberGenerator()
        return Self(uncheckedRawValue: Base64URL.randomText(characters: 22, using: &generator))
    }

    package var description: String { rawValue }
}

/// Names a conversation within its session.
package struct ConversationID: ClientChosenID {
    package static let noun = "conversation"
    package let rawValue: String
    package init(uncheckedRawValue: String) { rawValue = uncheckedRawValue }
}

/// Names a message within its conversation.
package struct MessageID: ClientChosenID {
    package static let noun = "message"
    package let rawValue: String
    package init(uncheckedRawValue: String) { rawValue = uncheckedRawValue }
}

/// Names one server process from its start to its end; never used again.
package struct TaskID: ClientChosenID {
    package static let noun = "task"
    package let rawValue: String
    package init(uncheckedRawValue: String) { rawValue = uncheckedRawValue }

    /// The host's name, made safe and short, and 48 random bits.
    package static func make(host: String) -> TaskID {
        let safe = String(host.prefix(40).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
        var generator = SystemRandomNumberGenerator()
        return TaskID(uncheckedRawValue: "\(safe)-\(Base64URL.randomText(characters: 8, using: &generator))")
    }
}

/// The URL-safe alphabet of RFC 4648, section 5, without padding.
package enum Base64URL {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// Whether `byte` belongs to the alphabet.
    package static func isCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// Random characters, six bits each.
    package static func randomText(characters: Int, using generator: inout some RandomNumberGenerator)
        -> String
    {
        String(
            decoding: (0..<characters).map { _ in alphabet[Int.random(in: 0..<64, using: &generator)] },
            as: UTF8.self)
    }

    /// The text of `bytes`.
    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var buffer: UInt32 = 0, bits = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(alphabet[Int(buffer >> UInt32(bits)) & 63])
            }
        }
        if bits > 0 { text.append(alphabet[Int(buffer << UInt32(6 - bits)) & 63]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of `text`, or nil when a character or the length is impossible or unused bits are set
    /// (so that one key has one text).
    package static func decode(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var buffer: UInt32 = 0, bits = 0
        for character in text.utf8 {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            buffer = buffer << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
            }
        }
        guard bits < 6, buffer & ((1 << UInt32(bits)) - 1) == 0 else { return nil }
        return bytes
    }
}
