/// Server-sent events as a value: bytes in, events out, no I/O.
///
/// Follows the WHATWG rules for `text/event-stream`: a line ends with CR, LF or CRLF, an empty line ends an
/// event, a line that starts with a colon is a comment, one space after the field's colon is dropped, several
/// `data` lines are joined with LF, one leading byte order mark is dropped. The input may be split anywhere,
/// also inside a UTF-8 sequence or between CR and LF, because text is only decoded once its line is whole.
///
/// It departs from them in one point: `finish()` also returns an event whose closing empty line is missing,
/// since some servers end the body right after `data: [DONE]`. A half-sent JSON object cannot be mistaken for
/// a whole one.
package struct EventStreamParser: Sendable {
    /// One event: the `event` field (nil if there was none) and its data lines joined with LF.
    package struct Event: Sendable, Equatable {
        package var name: String?
        package var data: String

        package init(name: String? = nil, data: String) {
            self.name = name
            self.data = data
        }
    }

    /// What a server sent that no sane server sends. Nothing can be read from that stream any more.
    package enum Failure: Sendable, Equatable {
        case lineTooLong(bytesMax: Int)
        case eventTooLarge(bytesMax: Int)
    }

    private let lineBytesMax: Int
    private let eventBytesMax: Int
    private var line: [UInt8] = []
    private var name: String?
    private var data: [UInt8] = []
    private var hasData = false
    private var lastWasCarriageReturn = false
    private var isFirstLine = true
    /// Set at the first byte past a bound; from then on nothing is read any more.
    package private(set) var failure: Failure?

    /// - Parameters:
    ///   - lineBytesMax: longest line in bytes, its end not counted.
    ///   - eventBytesMax: most bytes in all the data lines of one event.
    package init(lineBytesMax: Int = 1 << 20, eventBytesMax: Int = 1 << 20) {
        self.lineBytesMax = lineBytesMax
        self.eventBytesMax = eventBytesMax
    }

    /// Takes the next bytes of the body and returns the events that they complete, up to a ``failure`` if
    /// there is one.
    package mutating func push(_ bytes: some Sequence<UInt8>) -> [Event] {
        var events: [Event] = []
        for byte in bytes {
            if failure != nil { break }
            // CRLF is one end of line, and its halves may come in two pieces: the CR ended the line already.
            let isSecondHalf = lastWasCarriageReturn && byte == UInt8(ascii: "\n")
            lastWasCarriageReturn = byte == UInt8(ascii: "\r")
            if isSecondHalf { continue }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                if let event = endLine() { events.append(event) }
            } else if line.count < lineBytesMax {
                line.append(byte)
            } else {
                failure = .lineTooLong(bytesMax: lineBytesMax)
            }
        }
        return events
    }

    /// The body ended: returns the event that was under way, if it had any data.
    package mutating func finish() -> Event? {
        if failure != nil { return nil }
        if !line.isEmpty { _ = endLine() }
        return failure == nil ? endEvent() : nil
    }

    private mutating func endLine() -> Event? {
        defer { line.removeAll(keepingCapacity: true) }
        if isFirstLine {
            isFirstLine = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        }
        guard !line.isEmpty else { return endEvent() }
        let colon = line.firstIndex(of: UInt8(ascii: ":"))
        guard colon != line.startIndex else { return nil }
        var value = colon.map { line[($0 + 1)...] } ?? []
        if value.first == UInt8(ascii: " ") { value.removeFirst() }
        let field = line[..<(colon ?? line.endIndex)]
        if field.elementsEqual("data".utf8) {
            // The joining LF counts too: otherwise endless empty data lines would grow without bound.
            guard data.count + value.count < eventBytesMax else {
                failure = .eventTooLarge(bytesMax: eventBytesMax)
                return nil
            }
            if hasData { data.append(UInt8(ascii: "\n")) }
            data.append(contentsOf: value)
            hasData = true
        } else if field.elementsEqual("event".utf8) {
            name = String(decoding: value, as: UTF8.self)
        }
        return nil
    }

    private mutating func endEvent() -> Event? {
        defer {
            name = nil
            hasData = false
            data.removeAll(keepingCapacity: true)
        }
        return hasData ? Event(name: name, data: String(decoding: data, as: UTF8.self)) : nil
    }
}
