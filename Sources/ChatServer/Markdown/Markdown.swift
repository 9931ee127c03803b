import CCmarkGFM

/// GitHub-flavoured Markdown, made into HTML that is safe to put into the page whatever the text is.
///
/// Safe means: only tags and attributes of a fixed list come out (`MarkdownSafetyTests` holds it to that),
/// raw HTML is shown as the text it is, nothing loads by itself, and a link leads only to http, https or
/// mailto.
enum Markdown {
    /// The longest text parsed at once, in bytes of UTF-8: about 5 ms, and 0.2 s for the worst text known
    /// (`a@b.` over and over).
    static let parseBytesMax = 64 * 1024

    /// One child of the document.
    struct Block: Hashable, Sendable {
        /// Where its first line begins, in bytes of UTF-8 from the start of the text.
        var start: Int
        /// Whether that line stands in code or in a formula, as far as formulas go.
        let math: VerbatimMath.State
        /// What the page shows.
        let html: String
        /// A table may take the last line of the paragraph before it, so it is settled later than others.
        let isTable: Bool
    }

    /// The blocks of `text`, in order.
    /// - Parameter math: what the text before it left, if it begins with a later block of a longer one.
    static func blocks(of text: Substring, after math: VerbatimMath.State = .init()) -> [Block] {
        var text = text
        return text.withUTF8 { bytes in
            // Escaped formulas stand on the same lines, so lines are counted in the text as it was written.
            var lines: [(start: Int, math: VerbatimMath.State)] = []
            var verbatim = VerbatimMath(after: math, capacity: bytes.count + bytes.count / 4)
            let starts = lineStarts(of: bytes)
            for (start, end) in zip(starts, starts.dropFirst() + [bytes.count]) {
                lines.append((start, verbatim.state))
                verbatim.take(bytes[start..<end])
            }
            let document = verbatim.output.withUnsafeBufferPointer {
                MarkdownDocument($0, hasTables: affordsTables(bytes))
            }
            return document.safeBlocks { lines[min($0, lines.count) - 1] }
        }
    }

    /// `text` as it is, without any markup; for what is too long to be parsed.
    static func plain(_ text: some StringProtocol) -> String {
        "<pre><code>" + escaped(text) + "</code></pre>\n"
    }

    /// Whether tables may be looked for. cmark's time grows with the square of a header's columns (1.5 s for
    /// 30,000), and it fills short rows up to the width of the header: 30,000 columns over 30,000 rows would
    /// be 900 million cells from 90 KB of text.
    private static func affordsTables(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        var lines = 1
        var barsInLine = 0
        var barsMax = 0
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                lines += 1
                barsInLine = 0
            } else if byte == UInt8(ascii: "|") {
                barsInLine += 1
                barsMax = max(barsMax, barsInLine)
            }
        }
        return barsMax <= 500 && (barsMax + 1) * lines <= 200_000
    }

    /// Where lines begin. "A line ending is a line feed, a carriage return not followed by a line feed, or a
    /// carriage return and a following line feed" (CommonMark 0.29, 2.1).
    private static func lineStarts(of bytes: UnsafeBufferPointer<UInt8>) -> [Int] {
        var starts = [0]
        for index in bytes.indices {
            let isReturn = bytes[index] == UInt8(ascii: "\r")
            let isPaired = isReturn && index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "\n")
            if bytes[index] == UInt8(ascii: "\n") || (isReturn && !isPaired) { starts.append(index + 1) }
        }
        return starts
    }

    static func escaped(_ text: some StringProtocol) -> String {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "<"): escaped += Array("&lt;".utf8)
            case UInt8(ascii: ">"): escaped += Array("&gt;".utf8)
            case UInt8(ascii: "&"): escaped += Array("&amp;".utf8)
            case UInt8(ascii: "\""): escaped += Array("&quot;".utf8)
            default: escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }
}
