/// A JSON value that remembers its line, so that a mistake in a file written by hand can be pointed at.
///
/// Stricter than RFC 8259 in one point: an object that names a member twice is refused, since one of the two
/// would silently not count.
struct PositionedJSON: Equatable {
    enum Value: Equatable {
        case null
        case bool(Bool)
        case number(Double)
        case string(String)
        case array([PositionedJSON])
        case object([Member])
    }

    struct Member: Equatable {
        var name: String
        var line: Int
        var value: PositionedJSON
    }

    /// What is wrong, and on which line, counted from 1.
    struct SyntaxError: Error, Equatable {
        var line: Int
        var problem: String
    }

    var value: Value
    var line: Int

    /// Reads a whole document.
    init(parsing bytes: [UInt8]) throws(SyntaxError) {
        var parser = PositionedJSONParser(bytes)
        self = try parser.document()
    }

    init(value: Value, line: Int) {
        self.value = value
        self.line = line
    }

    /// What the value is, in the words of an error message.
    var noun: String {
        switch value {
        case .null: "null"
        case .bool: "true or false"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// Recursive descent over bytes, with a bound on the depth instead of on the stack.
struct PositionedJSONParser {
    private static let depthMax = 32

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var depth = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(PositionedJSON.SyntaxError) -> PositionedJSON {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        let result = try value()
        skipSpace()
        guard position == bytes.count else { throw problem("something follows the end of the document") }
        return result
    }

    private mutating func value() throws(PositionedJSON.SyntaxError) -> PositionedJSON {
        skipSpace()
        let start = line
        guard let byte = peek else { throw problem("the document ends too early") }
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw problem("nested deeper than \(Self.depthMax)") }
        let value: PositionedJSON.Value
        switch byte {
        case UInt8(ascii: "{"): value = .object(try members())
        case UInt8(ascii: "["): value = .array(try elements())
        case UInt8(ascii: "\""): value = .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): value = .number(try number())
        default: value = try word()
        }
        return PositionedJSON(value: value, line: start)
    }

    private mutating func members() throws(PositionedJSON.SyntaxError) -> [PositionedJSON.Member] {
        position += 1
        var members: [PositionedJSON.Member] = []
        skipSpace()
        if take("}") { return members }
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw problem("a member's name in quotes is missing") }
            let nameLine = line
            let name = try string()
            guard !members.contains(where: { $0.name == name }) else {
                throw problem("\"\(name)\" is there twice")
            }
            skipSpace()
            guard take(":") else { throw problem("a colon is missing after \"\(name)\"") }
            members.append(.init(name: name, line: nameLine, value: try value()))
            skipSpace()
            if take(",") { continue }
            guard take("}") else { throw problem("a comma or a closing brace is missing") }
            return members
        }
    }

    private mutating func elements() throws(PositionedJSON.SyntaxError) -> [PositionedJSON] {
        position += 1
        var elements: [PositionedJSON] = []
        skipSpace()
        if take("]") { return elements }
        while true {
            elements.append(try value())
            skipSpace()
            if take(",") { continue }
            guard take("]") else { throw problem("a comma or a closing bracket is missing") }
            return elements
        }
    }

    private mutating func string() throws(PositionedJSON.SyntaxError) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw problem("a string is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): text.append(contentsOf: try escape().utf8)
            case 0..<0x20: throw problem("a string does not end on its line")
            default: text.append(byte)
            }
        }
        throw problem("a string does not end")
    }

    private mutating func escape() throws(PositionedJSON.SyntaxError) -> String {
        guard let byte = peek else { throw problem("a string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return String(UnicodeScalar(byte))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let high = try hexadecimal()
            if let scalar = UnicodeScalar(high) { return String(scalar) }
            guard (0xD800..<0xDC00).contains(high), take("\\"), take("u") else {
                throw problem("half a surrogate pair")
            }
            let low = try hexadecimal()
            guard (0xDC00..<0xE000).contains(low),
                let scalar = UnicodeScalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
            else { throw problem("half a surrogate pair") }
            return String(scalar)
        default: throw problem("an unknown escape in a string")
        }
    }

    private mutating func hexadecimal() throws(PositionedJSON.SyntaxError) -> UInt32 {
        let digits = bytes[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy({ UnicodeScalar($0).properties.isASCIIHexDigit }),
            let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
        else { throw problem("\\u wants four hexadecimal digits") }
        position += 4
        return value
    }

    private mutating func number() throws(PositionedJSON.SyntaxError) -> Double {
        let digits = bytes[position...].prefix {
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || "+-.eE".utf8.contains($0)
        }
        position += digits.count
        guard let value = Double(String(decoding: digits, as: UTF8.self)), value.isFinite else {
            throw problem("not a number")
        }
        return value
    }

    private mutating func word() throws(PositionedJSON.SyntaxError) -> PositionedJSON.Value {
        let known: [(String, PositionedJSON.Value)] = [
            ("true", .bool(true)), ("false", .bool(false)), ("null", .null),
        ]
        for (word, value) in known where bytes[position...].starts(with: word.utf8) {
            position += word.utf8.count
            return value
        }
        throw problem("a value is missing")
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ character: UnicodeScalar) -> Bool {
        guard peek == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
            if byte == 0x0A { line += 1 }
            position += 1
        }
    }

    private func problem(_ text: String) -> PositionedJSON.SyntaxError {
        PositionedJSON.SyntaxError(line: line, problem: text)
    }
}
