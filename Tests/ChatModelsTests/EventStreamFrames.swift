import ChatTesting

@testable import ChatModels

/// Makes frames without a line in common with what reads them: the checksum is calculated bit by bit.
enum EventStreamFrames {
    typealias Header = (name: String, value: EventStreamMessage.Value)

    static func frame(_ headers: [Header], payload: [UInt8]) -> [UInt8] {
        var headerBytes: [UInt8] = []
        for header in headers {
            headerBytes += [UInt8(header.name.utf8.count)] + Array(header.name.utf8) + bytes(of: header.value)
        }
        var frame = big(UInt32(16 + headerBytes.count + payload.count)) + big(UInt32(headerBytes.count))
        frame += big(checksum(frame))
        frame += headerBytes + payload
        return frame + big(checksum(frame))
    }

    /// An event as Bedrock sends it.
    static func event(_ type: String, _ payload: String) -> [UInt8] {
        frame(
            [
                (":event-type", .string(type)), (":content-type", .string("application/json")),
                (":message-type", .string("event")),
            ], payload: Array(payload.utf8))
    }

    static func exception(_ type: String, _ payload: String) -> [UInt8] {
        frame(
            [
                (":exception-type", .string(type)), (":content-type", .string("application/json")),
                (":message-type", .string("exception")),
            ], payload: Array(payload.utf8))
    }

    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            for bit in 0..<8 {
                let isOdd = (value ^ UInt32(byte >> UInt8(bit))) & 1 == 1
                value = (value >> 1) ^ (isOdd ? 0xEDB8_8320 : 0)
            }
        }
        return value ^ 0xFFFF_FFFF
    }

    static func big<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }

    private static func bytes(of value: EventStreamMessage.Value) -> [UInt8] {
        switch value {
        case .bool(let value): [value ? 0 : 1]
        case .int8(let value): [2] + big(value)
        case .int16(let value): [3] + big(value)
        case .int32(let value): [4] + big(value)
        case .int64(let value): [5] + big(value)
        case .bytes(let value): [6] + big(UInt16(value.count)) + value
        case .string(let value): [7] + big(UInt16(value.utf8.count)) + Array(value.utf8)
        case .timestamp(let value): [8] + big(value)
        case .uuid(let value): [9] + value
        }
    }

    /// A random frame, and what a reader has to find in it.
    static func random(using generator: inout SeededGenerator) -> (bytes: [UInt8], EventStreamMessage) {
        var headers: [Header] = []
        for index in 0..<Int.random(in: 0...6, using: &generator) {
            headers.append(("é\(index)", value(using: &generator)))
        }
        let payload = noise(0...200, using: &generator)
        let message = EventStreamMessage(
            headers: Dictionary(uniqueKeysWithValues: headers.map { ($0.name, $0.value) }), payload: payload)
        return (frame(headers, payload: payload), message)
    }

    private static func value(using generator: inout SeededGenerator) -> EventStreamMessage.Value {
        switch Int.random(in: 0...8, using: &generator) {
        case 0: .bool(Bool.random(using: &generator))
        case 1: .int8(.random(in: .min ... .max, using: &generator))
        case 2: .int16(.random(in: .min ... .max, using: &generator))
        case 3: .int32(.random(in: .min ... .max, using: &generator))
        case 4: .int64(.random(in: .min ... .max, using: &generator))
        case 5: .bytes(noise(0...40, using: &generator))
        case 6: .string(String(repeating: "a🙂", count: .random(in: 0...9, using: &generator)))
        case 7: .timestamp(.random(in: 0 ... .max, using: &generator))
        default: .uuid(noise(16...16, using: &generator))
        }
    }

    private static func noise(_ count: ClosedRange<Int>, using generator: inout SeededGenerator) -> [UInt8] {
        (0..<Int.random(in: count, using: &generator)).map { _ in
            UInt8.random(in: 0...255, using: &generator)
        }
    }
}
