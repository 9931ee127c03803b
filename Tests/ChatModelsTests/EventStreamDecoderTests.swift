import ChatTesting
import Testing

@testable import ChatModels

@Suite(.timeLimit(.minutes(5))) struct EventStreamDecoderTests {
    private typealias Frames = EventStreamFrames

    /// Frames that AWS's own Python library reads as the messages beside them.
    private static let recorded: [(hexadecimal: String, message: EventStreamMessage)] = [
        ("000000100000000005c248eb7d98c8ff", EventStreamMessage()),
        (
            "000000760000005296d5fade0b3a6576656e742d7479706507000c6d65737361676553746172740d3a636f6e"
                + "74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700"
                + "056576656e747b22726f6c65223a22617373697374616e74227d6fa8c599",
            EventStreamMessage(
                headers: [
                    ":event-type": .string("messageStart"), ":content-type": .string("application/json"),
                    ":message-type": .string("event"),
                ], payload: Array(#"{"role":"assistant"}"#.utf8))
        ),
        (
            "0000005a0000004a8188a08d0b3a6572726f722d636f646507000f496e7465726e616c4661696c7572650e3a"
                + "6572726f722d6d6573736167650700046f6f70730d3a6d6573736167652d747970650700056572726f721009"
                + "478c",
            EventStreamMessage(headers: [
                ":error-code": .string("InternalFailure"), ":error-message": .string("oops"),
                ":message-type": .string("error"),
            ])
        ),
        (
            "0000005f0000004dd70cba5e016100016201016302ff01640300050165040000000701660500000000000000"
                + "0901670600020102016807000268690169080000019bc186de00016a09000102030405060708090a0b0c0d0e"
                + "0f7b7d0f917c5b",
            EventStreamMessage(
                headers: [
                    "a": .bool(true), "b": .bool(false), "c": .int8(-1), "d": .int16(5), "e": .int32(7),
                    "f": .int64(9), "g": .bytes([1, 2]), "h": .string("hi"),
                    "i": .timestamp(1_768_478_400_000), "j": .uuid(Array(0..<16)),
                ], payload: Array("{}".utf8))
        ),
    ]

    private static func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = Array(hexadecimal)
        return stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8("\(digits[$0])\(digits[$0 + 1])", radix: 16)
        }
    }

    @Test("the checksum is the one of zlib")
    func checksum() {
        #expect(CRC32.of("123456789".utf8) == 0xCBF4_3926)
        #expect(Frames.checksum(Array("123456789".utf8)) == 0xCBF4_3926)
    }

    @Test("recorded frames are read, whole, byte by byte, and all in one chunk")
    func recordedFrames() {
        for (hexadecimal, message) in Self.recorded {
            var whole = EventStreamDecoder(), trickled = EventStreamDecoder()
            #expect(whole.push(Self.bytes(hexadecimal)) == [message])
            #expect(Self.bytes(hexadecimal).flatMap { trickled.push([$0]) } == [message])
            #expect(!trickled.isInsideFrame && trickled.failure == nil)
        }
        var decoder = EventStreamDecoder()
        let all = Self.recorded.flatMap { Self.bytes($0.hexadecimal) }
        #expect(decoder.push(all) == Self.recorded.map(\.message))
        #expect(
            Frames.event("messageStart", #"{"role":"assistant"}"#) == Self.bytes(Self.recorded[1].hexadecimal)
        )
    }

    @Test("frames of an independent encoder are read equal, split anywhere")
    func independentEncoder() async {
        var generator = SeededGenerator.announced("EventStreamDecoder")
        for _ in 0..<300 {
            await Task.yield()
            let frames = (0..<3).map { _ in Frames.random(using: &generator) }
            let bytes = frames.flatMap(\.bytes)
            var decoder = EventStreamDecoder()
            var messages: [EventStreamMessage] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...150, using: &generator)
                messages += decoder.push(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            #expect(messages == frames.map(\.1))
            #expect(decoder.failure == nil && !decoder.isInsideFrame)
        }
    }

    @Test("10,000 damaged streams neither crash nor pass for something else")
    func mutations() async {
        var generator = SeededGenerator.announced("EventStreamDecoder mutations")
        for _ in 0..<10_000 {
            // The tests beside this one measure time.
            await Task.yield()
            let frames = (0..<2).map { _ in Frames.random(using: &generator) }
            var bytes = frames.flatMap(\.bytes)
            let original = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                case 1 where bytes.count > 1: bytes.remove(at: index)
                case 2: bytes.insert(.random(in: 0...255, using: &generator), at: index)
                default: bytes.removeLast(min(bytes.count - 1, index))
                }
            }
            var decoder = EventStreamDecoder()
            let messages = decoder.push(bytes)
            // What is still read was there: the checksums let nothing else through.
            let expected = frames.map(\.1)
            if messages != Array(expected.prefix(messages.count)) {
                Issue.record("read \(messages) from a damaged stream")
            }
            if bytes != original, messages.count == 2, decoder.failure == nil, !decoder.isInsideFrame {
                Issue.record("a damaged stream was read as if it were whole")
            }
        }
    }

    @Test("bounds and checksums are told apart, and the frames before a damaged one are kept")
    func failures() {
        let good = Frames.event("messageStop", "{}")
        func failure(_ bytes: [UInt8], payloadBytesMax: Int = 1_000) -> EventStreamDecoder.Failure? {
            var decoder = EventStreamDecoder(payloadBytesMax: payloadBytesMax)
            #expect(decoder.push(good + bytes).count == 1)
            // Nothing is read behind it, nor before the end of one that is only announced.
            #expect(decoder.push(good).isEmpty)
            return decoder.failure
        }
        func prelude(_ total: UInt32, _ headers: UInt32) -> [UInt8] {
            let lengths = Frames.big(total) + Frames.big(headers)
            return lengths + Frames.big(Frames.checksum(lengths))
        }
        var flipped = good
        flipped[2] ^= 1
        #expect(failure(flipped) == .preludeChecksum)
        flipped = good
        flipped[good.count - 5] ^= 1
        #expect(failure(flipped) == .messageChecksum)
        #expect(failure(prelude(15, 0)) == .tooShort(totalBytes: 15))
        #expect(failure(prelude(20, 5)) == .tooShort(totalBytes: 20))
        #expect(failure(prelude(.max, .max)) == .headersTooLong(bytes: Int(UInt32.max)))
        #expect(failure(prelude(200_000, 131_073)) == .headersTooLong(bytes: 131_073))
        #expect(failure(prelude(1_017, 0)) == .payloadTooLong(bytes: 1_001))
        #expect(failure(prelude(25_165_840, 0), payloadBytesMax: .max) == nil)
        #expect(failure(prelude(25_165_841, 0), payloadBytesMax: .max) == .payloadTooLong(bytes: 25_165_825))
    }

    @Test("headers that lie are refused though the checksums are right")
    func lyingHeaders() {
        let twice: [EventStreamFrames.Header] = [("a", .bool(true)), ("a", .bool(false))]
        #expect(refusal(Frames.frame(twice, payload: [])) == .malformedHeaders("a name that is there twice"))
        let broken: [([UInt8], String)] = [
            ([0, 0], "a name that is empty or no UTF-8"), ([1, 0xFF, 0], "a name that is empty or no UTF-8"),
            ([9, 97], "a length past their end"), ([1, 97, 7, 0, 9], "a length past their end"),
            ([1, 97, 10], "a value of an unknown type"), ([1, 97], "a length past their end"),
            ([1, 97, 7, 0, 1, 0xFF], "a string that is no UTF-8"),
        ]
        for (headers, problem) in broken {
            var frame = Frames.big(UInt32(16 + headers.count)) + Frames.big(UInt32(headers.count))
            frame += Frames.big(Frames.checksum(frame))
            frame += headers
            #expect(refusal(frame + Frames.big(Frames.checksum(frame))) == .malformedHeaders(problem))
        }
    }

    private func refusal(_ bytes: [UInt8]) -> EventStreamDecoder.Failure? {
        var decoder = EventStreamDecoder()
        #expect(decoder.push(bytes).isEmpty)
        return decoder.failure
    }
}
