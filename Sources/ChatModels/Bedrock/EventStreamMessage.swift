/// One frame of an `application/vnd.amazon.eventstream`, its checksums already compared.
struct EventStreamMessage: Equatable {
    /// What a header holds. Bedrock only sends strings; the format has ten types, and one that is skipped
    /// wrongly makes garbage of those behind it.
    enum Value: Equatable {
        case bool(Bool)
        case int8(Int8)
        case int16(Int16)
        case int32(Int32)
        case int64(Int64)
        case bytes([UInt8])
        case string(String)
        /// Milliseconds since 1970.
        case timestamp(Int64)
        /// Sixteen bytes.
        case uuid([UInt8])
    }

    var headers: [String: Value] = [:]
    var payload: [UInt8] = []

    /// The text of a header; nil when it is absent or of another type.
    func text(_ name: String) -> String? {
        if case .string(let text) = headers[name] { text } else { nil }
    }
}

extension EventStreamMessage {
    /// Reads the headers' part of a frame.
    /// - Throws: ``EventStreamDecoder/Failure/malformedHeaders(_:)``: a length past the end, an unknown type,
    ///   a name that is empty, there twice or no UTF-8.
    static func headers(
        in bytes: ArraySlice<UInt8>
    ) throws(EventStreamDecoder.Failure) -> [String: Value] {
        var cursor = Cursor(rest: bytes)
        var headers: [String: Value] = [:]
        while !cursor.rest.isEmpty {
            let nameBytes = try cursor.take(Int(try cursor.unsigned(1)))
            guard !nameBytes.isEmpty, let name = String(validating: nameBytes, as: UTF8.self) else {
                throw .malformedHeaders("a name that is empty or no UTF-8")
            }
            guard headers.updateValue(try cursor.value(), forKey: name) == nil else {
                throw .malformedHeaders("a name that is there twice")
            }
        }
        return headers
    }

    /// Walks over the headers and never past their end.
    private struct Cursor {
        var rest: ArraySlice<UInt8>

        mutating func value() throws(EventStreamDecoder.Failure) -> Value {
            switch try unsigned(1) {
            case 0: return .bool(true)
            case 1: return .bool(false)
            case 2: return .int8(Int8(truncatingIfNeeded: try unsigned(1)))
            case 3: return .int16(Int16(truncatingIfNeeded: try unsigned(2)))
            case 4: return .int32(Int32(truncatingIfNeeded: try unsigned(4)))
            case 5: return .int64(Int64(truncatingIfNeeded: try unsigned(8)))
            case 6: return .bytes(Array(try take(Int(try unsigned(2)))))
            case 7:
                let bytes = try take(Int(try unsigned(2)))
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw .malformedHeaders("a string that is no UTF-8")
                }
                return .string(text)
            case 8: return .timestamp(Int64(truncatingIfNeeded: try unsigned(8)))
            case 9: return .uuid(Array(try take(16)))
            default: throw .malformedHeaders("a value of an unknown type")
            }
        }

        /// A big-endian number of `bytes` bytes, at most eight.
        mutating func unsigned(_ bytes: Int) throws(EventStreamDecoder.Failure) -> UInt64 {
            try take(bytes).reduce(0) { $0 << 8 | UInt64($1) }
        }

        mutating func take(_ count: Int) throws(EventStreamDecoder.Failure) -> ArraySlice<UInt8> {
            guard count <= rest.count else { throw .malformedHeaders("a length past their end") }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
    }
}
