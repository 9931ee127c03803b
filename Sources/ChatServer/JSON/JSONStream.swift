import NIOCore

/// Reads a JSON text that is too long to be held, as it comes: objects and arrays are entered and left, and
/// what is in them is taken value by value, each within a limit and by the strict ``JSONParser``.
struct JSONStream<Source: JSONSource> {
    /// Why the text cannot be read on.
    struct Failure: Error, Hashable, Sendable {
        let reason: String
        /// The value is longer than it may be.
        var isTooLong = false
    }

    private var source: Source
    private var chunk = ByteBuffer()
    /// Whether the object or array entered last has had no member yet; one entry for each that is open.
    private var isFirst: [Bool] = []

    init(_ source: Source) { self.source = source }

    // MARK: Structure

    /// Takes what begins an object or an array.
    mutating func enter(_ bracket: Bracket) async throws {
        guard let token = try await peekToken() else { throw Failure(reason: "ends early") }
        guard token == bracket.open else {
            throw Failure(reason: bracket == .object ? "must be an object" : "must be an array")
        }
        skip()
        isFirst.append(true)
    }

    /// Whether the object or array that is open has one more member; takes its end when not.
    mutating func hasMember(_ bracket: Bracket) async throws -> Bool {
        let token = try await peekToken()
        if token == bracket.close {
            skip()
            isFirst.removeLast()
            return false
        }
        let isFirst = isFirst[isFirst.count - 1]
        self.isFirst[self.isFirst.count - 1] = false
        if isFirst { return true }
        guard token == UInt8(ascii: ",") else { throw Failure(reason: "is not JSON") }
        skip()
        return true
    }

    /// The name of the next member of an object; its value comes next.
    mutating func name(bytesMax: Int) async throws -> String {
        guard case .string(let name) = try await value(bytesMax: bytesMax) else {
            throw Failure(reason: "is not JSON")
        }
        guard try await peekToken() == UInt8(ascii: ":") else { throw Failure(reason: "is not JSON") }
        skip()
        return name
    }

    /// Takes the end of the text.
    mutating func end() async throws {
        if try await peekToken() != nil { throw Failure(reason: "is followed by something") }
    }

    enum Bracket {
        case object, array
        var open: UInt8 { self == .object ? UInt8(ascii: "{") : UInt8(ascii: "[") }
        var close: UInt8 { self == .object ? UInt8(ascii: "}") : UInt8(ascii: "]") }
    }

    // MARK: Values

    /// The next value, whole.
    mutating func value(bytesMax: Int) async throws -> JSONValue {
        guard try await peekToken() != nil else { throw Failure(reason: "ends early") }
        var bytes: [UInt8] = []
        var extent = Extent()
        repeat {
            let part = chunk.readableBytesView
            let count = extent.take(part)
            bytes += part.prefix(count)
            chunk.moveReaderIndex(forwardBy: count)
            guard bytes.count <= bytesMax else {
                throw Failure(reason: "is longer than \(bytesMax) bytes", isTooLong: true)
            }
            if extent.isWhole { break }
        } while try await fill()
        do {
            return try JSONParser.value(of: bytes)
        } catch {
            throw Failure(reason: "cannot be read: \(error.reason)")
        }
    }

    /// Finds where a value ends, whatever is in it.
    private struct Extent {
        private var depth = 0
        private var isInString = false
        private var isEscaped = false
        private(set) var isWhole = false

        /// - Returns: how many of the bytes belong to the value.
        mutating func take(_ bytes: ByteBufferView) -> Int {
            for (count, byte) in bytes.enumerated() {
                if isInString {
                    if isEscaped {
                        isEscaped = false
                    } else if byte == UInt8(ascii: "\\") {
                        isEscaped = true
                    } else if byte == UInt8(ascii: "\"") {
                        isInString = false
                        if end(depth) { return count + 1 }
                    }
                    continue
                }
                switch byte {
                case UInt8(ascii: "\""): isInString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
                case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ","), UInt8(ascii: ":"):
                    // Ends a number or a word before it.
                    if depth == 0, end(0) { return count }
                    if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
                        depth -= 1
                        if end(depth) { return count + 1 }
                    }
                case 0x20, 0x09, 0x0A, 0x0D: if end(depth) { return count }
                default: break
                }
            }
            return bytes.count
        }

        private mutating func end(_ depth: Int) -> Bool {
            if depth == 0 { isWhole = true }
            return depth == 0
        }
    }

    // MARK: Bytes

    /// The next byte that is no space, or nil at the end.
    private mutating func peekToken() async throws -> UInt8? {
        while true {
            while let byte = chunk.getInteger(at: chunk.readerIndex, as: UInt8.self) {
                guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return byte }
                skip()
            }
            guard try await fill() else { return nil }
        }
    }

    private mutating func skip() { chunk.moveReaderIndex(forwardBy: 1) }

    /// - Returns: false at the end.
    private mutating func fill() async throws -> Bool {
        while chunk.readableBytes == 0 {
            guard let next = try await source.next() else { return false }
            chunk = next
        }
        return true
    }
}

/// Where the bytes of a text come from.
protocol JSONSource {
    /// The next bytes, or nil at the end.
    mutating func next() async throws -> ByteBuffer?
}
