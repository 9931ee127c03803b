import Testing

@testable import ChatModels

@Suite struct EventStreamParserTests {
    private static let lines = [
        "\u{FEFF}: hello", "data: one", "", "event: error", "data:two", "data:  three", "data", "", ":",
        "id: 7", "retry: 1",
        "", "data: é🙂", "x: y", "", "", "data: [DONE]", "",
    ]
    private static let events: [EventStreamParser.Event] = [
        .init(data: "one"), .init(name: "error", data: "two\n three\n"), .init(data: "é🙂"),
        .init(data: "[DONE]"),
    ]

    @Test("every split of a stream gives the same events", arguments: ["\n", "\r\n", "\r"])
    func splits(end: String) {
        let bytes = Array(Self.lines.map { $0 + end }.joined().utf8)
        for split in 0...bytes.count {
            var parser = EventStreamParser()
            let events = parser.push(bytes[..<split]) + parser.push(bytes[split...])
            #expect(events == Self.events, "split at \(split)")
            #expect(parser.finish() == nil)
        }
        var parser = EventStreamParser()
        #expect(bytes.flatMap { parser.push([$0]) } == Self.events)
    }

    @Test("mixed ends of lines do not make empty events")
    func mixedEnds() {
        var parser = EventStreamParser()
        let events = parser.push(Array("data: a\r\ndata: b\rdata: c\n\r\n\r\n\rdata: d\r\r\n".utf8))
        #expect(events == [.init(data: "a\nb\nc"), .init(data: "d")])
    }

    @Test(
        "a last event without its empty line is still an event",
        arguments: ["data: [DONE]", "data: [DONE]\n"])
    func unfinished(text: String) {
        var parser = EventStreamParser()
        #expect(parser.push(Array(text.utf8)).isEmpty)
        #expect(parser.finish() == .init(data: "[DONE]"))
    }

    @Test("a byte order mark is only dropped at the very start")
    func byteOrderMark() {
        var parser = EventStreamParser()
        #expect(parser.push(Array("data: a\n\n\u{FEFF}data: b\n\n".utf8)) == [.init(data: "a")])
    }

    @Test("a line past its bound ends the stream, after the events before it")
    func longLine() {
        var parser = EventStreamParser(lineBytesMax: 16)
        #expect(parser.push(Array("data: 7890123456\n\n".utf8)) == [.init(data: "7890123456")])
        #expect(parser.failure == nil)
        #expect(parser.push(Array("data: a\n\ndata: 78901234567\n\ndata: b\n\n".utf8)) == [.init(data: "a")])
        #expect(parser.failure == .lineTooLong(bytesMax: 16))
        #expect(parser.push(Array("data: c\n\n".utf8)).isEmpty)
        #expect(parser.finish() == nil)
    }

    @Test("an event past its bound ends the stream, also one of empty lines")
    func largeEvent() {
        for line in ["data: 1234567\n", "data:\n"] {
            var parser = EventStreamParser(eventBytesMax: 64)
            for _ in 0..<100 { #expect(parser.push(Array(line.utf8)).isEmpty) }
            #expect(parser.failure == .eventTooLarge(bytesMax: 64))
        }
    }
}
