/// A growing answer as HTML blocks, where growth costs what the open end of the text costs.
///
/// Blocks of Markdown are found line by line: once a line is complete, all blocks but the last one are closed
/// for good. So the rendering keeps the closed ones and parses again from the start of the last one only.
/// What blocks there are is a function of the text alone, not of the steps it came in; that is why a reader
/// may stand at any offset, come from another task, and still agree with this one about block 3.
///
/// One thing is not line by line: a reference definition changes links before it. The final message is
/// rendered as a whole, which mends that.
struct AnswerRendering: Sendable {
    /// The text so far, in bytes of UTF-8.
    private(set) var length = 0
    /// The blocks of the text so far.
    private(set) var blocks: [Markdown.Block] = []
    /// How many of `blocks` never change again.
    private var closedCount = 0
    /// Where the block after the closed ones begins.
    private var closedLength = 0
    /// What the text up to there left for the formulas behind it.
    private var closedMath = VerbatimMath.State()

    /// What a reader has to do: drop its blocks from `fromBlock` on and append these.
    struct Change: Hashable, Sendable {
        let fromBlock: Int
        let blocks: [String]
    }

    private static let plainPieceBytes = 16 * 1024

    /// The rendering of nothing.
    init() {}

    /// The rendering of an answer that grows no more.
    /// - Returns: the blocks, with reference definitions resolved if the text is short enough for one parse.
    static func whole(_ text: String) -> [String] {
        if text.utf8.count <= Markdown.parseBytesMax { return Markdown.blocks(of: text[...]).map(\.html) }
        var rendering = AnswerRendering()
        rendering.extend(to: text)
        return rendering.blocks.map(\.html)
    }

    /// Takes the text in, which begins with the text taken in before.
    mutating func extend(to text: String) {
        precondition(text.utf8.count >= length, "an answer only grows")
        length = text.utf8.count
        while true {
            blocks.removeSubrange(closedCount...)
            let rest = text.utf8[text.utf8.index(text.utf8.startIndex, offsetBy: closedLength)...]
            guard rest.count > Markdown.parseBytesMax else {
                append(Substring(rest))
                close(in: text, upTo: length)
                return
            }
            // Too much for one parse: take complete lines only, and go on from the last block of them.
            let piece = rest.prefix(Markdown.parseBytesMax)
            guard let end = piece.lastIndex(of: UInt8(ascii: "\n")) else {
                return appendPlain(Substring(rest))
            }
            append(Substring(rest[...end]))
            let before = closedLength
            close(in: text, upTo: text.utf8.distance(from: text.utf8.startIndex, to: end) + 1)
            guard closedLength > before else {
                blocks.removeSubrange(closedCount...)
                return appendPlain(Substring(rest))
            }
        }
    }

    /// What a reader lacks that has the rendering of the first `offset` bytes.
    func change(after offset: Int, in text: String) -> Change {
        let stable = settledCount(before: lineStart(in: text, upTo: min(offset, length)))
        return Change(fromBlock: stable, blocks: blocks[stable...].map(\.html))
    }

    // MARK: Parts

    private mutating func append(_ rest: Substring) {
        blocks += Markdown.blocks(of: rest, after: closedMath).map { block in
            var block = block
            block.start += closedLength
            return block
        }
    }

    /// One block longer than a parse, as a table or a program may be: its text in pieces whose places depend
    /// on nothing but where it begins.
    private mutating func appendPlain(_ rest: Substring) {
        let bytes = Array(rest.utf8)
        var start = 0
        while start < bytes.count {
            var end = min(start + Self.plainPieceBytes, bytes.count)
            // Not inside a character: its second to last bytes are 10xxxxxx.
            while end < bytes.count, bytes[end] & 0b1100_0000 == 0b1000_0000 { end -= 1 }
            let piece = String(decoding: bytes[start..<end], as: UTF8.self)
            blocks.append(
                Markdown.Block(
                    start: closedLength + start, math: closedMath, html: Markdown.plain(piece), isTable: false
                ))
            start = end
        }
    }

    private mutating func close(in text: String, upTo end: Int) {
        let settled = settledCount(before: lineStart(in: text, upTo: end))
        guard settled > closedCount else { return }
        closedCount = settled
        closedLength = blocks[settled].start
        closedMath = blocks[settled].math
    }

    /// How many blocks can never change again when the lines before `start` are complete: all that begin
    /// there, but the last one, which may be open.
    private func settledCount(before start: Int) -> Int {
        var low = 0
        var high = blocks.count
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle].start < start { low = middle + 1 } else { high = middle }
        }
        var settled = low - 1
        // A delimiter row turns the last line of a paragraph into a table's header, and what it becomes when
        // it grows turns it back.
        if settled > 0, blocks[settled].isTable { settled -= 1 }
        while settled > 0, blocks[settled].start <= blocks[settled - 1].start { settled -= 1 }
        return max(settled, 0)
    }

    /// Where the line begins that holds byte `end`.
    private func lineStart(in text: String, upTo end: Int) -> Int {
        let utf8 = text.utf8
        let head = utf8[..<utf8.index(utf8.startIndex, offsetBy: end)]
        guard let newline = head.lastIndex(of: UInt8(ascii: "\n")) else { return 0 }
        return utf8.distance(from: utf8.startIndex, to: newline) + 1
    }
}
