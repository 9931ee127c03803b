/// Keeps formulas as they were written: Markdown would take `\(` for an escaped parenthesis and `a_1 b_1` for
/// emphasis. What stands between `$…$`, `$$…$$`, `\(…\)` or `\[…\]` gets a backslash before every character
/// that could mean something, so that what is shown is what the model said.
///
/// Lines stay the same lines, and what a line becomes depends on it and on the ``State`` that the lines
/// before it left. A growing answer is rendered from the start of its last block on (``AnswerRendering``),
/// with the state of that place: what is code here is found by simpler rules than Markdown's, so a block's
/// start alone does not tell. Hence a formula ends with its line; only one that begins a line with `$$` or
/// `\[` goes on over the next ones, until it is closed or a blank line comes. Code is left alone: fenced,
/// between backticks, or indented by four columns.
struct VerbatimMath {
    /// What lines leave behind for the next one.
    struct State: Hashable, Sendable {
        fileprivate struct Fence: Hashable, Sendable {
            let mark: UInt8
            let count: Int
            let isQuoted: Bool
        }

        /// The fence of code that is open.
        fileprivate var fence: Fence?
        /// What closes the formula that goes on over lines.
        fileprivate var closer: [UInt8]?
    }

    /// The text so far, with its formulas escaped.
    private(set) var output: [UInt8] = []
    private(set) var state: State

    /// Begins with what the lines before left.
    init(after state: State, capacity: Int) {
        self.state = state
        output.reserveCapacity(capacity)
    }

    /// Takes the next line in, with its ending unless it has none yet.
    mutating func take(_ line: Slice<UnsafeBufferPointer<UInt8>>) {
        let line = Array(line)
        let end = (line.lastIndex { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") } ?? -1) + 1
        let isComplete = end < line.count
        let frame = Frame(of: line[..<end])
        output += line[..<frame.end]
        let content = line[frame.end..<end]
        if state.closer != nil {
            continueFormula(content, isComplete: isComplete)
        } else if !isCode(content, frame: frame) {
            takeText(content, isComplete: isComplete, mayBegin: true)
        } else {
            output += content
        }
        output += line[end...]
    }

    /// What stands before a line's content: blanks and the marks of quotations.
    private struct Frame {
        var end: Int
        var columns = 0
        var isQuoted = false

        init(of line: ArraySlice<UInt8>) {
            end = line.startIndex
            while end < line.endIndex {
                switch line[end] {
                case UInt8(ascii: " "): columns += 1
                case UInt8(ascii: "\t"): columns += 4
                case UInt8(ascii: ">"):
                    columns = 0
                    isQuoted = true
                default: return
                }
                end += 1
            }
        }
    }

    // MARK: Code

    private mutating func isCode(_ content: ArraySlice<UInt8>, frame: Frame) -> Bool {
        let run = Self.fenceRun(content)
        if let open = state.fence, !open.isQuoted || frame.isQuoted {
            if let run, run.mark == open.mark, run.count >= open.count, run.isBare { state.fence = nil }
            return true
        }
        state.fence = nil
        if let run, run.mark == UInt8(ascii: "~") || !run.rest.contains(UInt8(ascii: "`")) {
            state.fence = State.Fence(mark: run.mark, count: run.count, isQuoted: frame.isQuoted)
            return true
        }
        return frame.columns >= 4
    }

    private static func fenceRun(_ content: ArraySlice<UInt8>) -> (
        mark: UInt8, count: Int, rest: ArraySlice<UInt8>, isBare: Bool
    )? {
        var content = content
        // The mark of a list's item may stand before it.
        if let mark = content.first, mark == UInt8(ascii: "-") || mark == UInt8(ascii: "*") {
            content = content.dropFirst().drop { $0 == UInt8(ascii: " ") }
        }
        guard let mark = content.first, mark == UInt8(ascii: "`") || mark == UInt8(ascii: "~") else {
            return nil
        }
        let rest = content.drop { $0 == mark }
        let count = content.count - rest.count
        guard count >= 3 else { return nil }
        return (mark, count, rest, rest.allSatisfy { $0 == UInt8(ascii: " ") })
    }

    // MARK: Formulas

    private mutating func continueFormula(_ content: ArraySlice<UInt8>, isComplete: Bool) {
        guard let closer = state.closer, !content.isEmpty else {
            state.closer = nil
            output += content
            return
        }
        if let end = Self.find(closer, in: content) {
            escape(content[..<end])
            state.closer = nil
            takeText(content[end...], isComplete: isComplete, mayBegin: false)
        } else {
            escape(content)
            // A hard break: the lines of a formula stay lines.
            if isComplete { output.append(Self.backslash) }
        }
    }

    /// Text outside of formulas that go on over lines.
    /// - Parameter mayBegin: whether such a one may begin here, at the first character.
    private mutating func takeText(_ text: ArraySlice<UInt8>, isComplete: Bool, mayBegin: Bool) {
        var rest = text
        var absent: Set<[UInt8]> = []  // what closes nothing on the rest of this line
        var before: UInt8 = UInt8(ascii: " ")
        while let byte = rest.first {
            if byte == UInt8(ascii: "`") {
                let run = rest.prefix { $0 == byte }
                let end = Self.find(run: run, in: rest.dropFirst(run.count), absent: &absent) ?? run.endIndex
                output += rest[..<end]
                rest = rest[end...]
                before = byte
                continue
            }
            if let pair = Self.pair(at: rest, after: before) {
                let inside = rest.dropFirst(pair.open)
                if !absent.contains(pair.close), let end = Self.end(of: pair, in: inside) {
                    escape(rest[..<end])
                    before = rest[end - 1]
                    rest = rest[end...]
                    continue
                }
                absent.insert(pair.close)
                if mayBegin, rest.startIndex == text.startIndex, pair.goesOn {
                    state.closer = pair.close
                    escape(rest)
                    if isComplete { output.append(Self.backslash) }
                    return
                }
            }
            // An escaped character is none that could open anything.
            let count = byte == Self.backslash ? min(2, rest.count) : 1
            before = rest[rest.startIndex + count - 1]
            output += rest.prefix(count)
            rest = rest.dropFirst(count)
        }
    }

    /// What a formula is between.
    private struct Pair {
        let open: Int
        let close: [UInt8]
        var goesOn = false
        var isDollar = false
    }

    private static let backslash = UInt8(ascii: "\\")

    private static func pair(at text: ArraySlice<UInt8>, after before: UInt8) -> Pair? {
        let dollar = UInt8(ascii: "$")
        let next = text.dropFirst().first ?? UInt8(ascii: " ")
        switch (text.first, next) {
        case (backslash, UInt8(ascii: "(")): return Pair(open: 2, close: Array("\\)".utf8))
        case (backslash, UInt8(ascii: "[")):
            // `\[x](y)` is no formula but a link that was escaped.
            let isApart = text.dropFirst(2).first.map { $0 == UInt8(ascii: " ") } ?? true
            return Pair(open: 2, close: Array("\\]".utf8), goesOn: isApart)
        case (dollar, dollar): return Pair(open: 2, close: Array("$$".utf8), goesOn: true)
        case (dollar, _):
            // "$5 and $10" are prices, "?$a=1&$b=2" is an address.
            let isBlank = next == UInt8(ascii: " ") || next == UInt8(ascii: "\t")
            return isBlank || isWord(before) || "?&=/%".utf8.contains(before)
                ? nil : Pair(open: 1, close: [dollar], isDollar: true)
        default: return nil
        }
    }

    private static func end(of pair: Pair, in text: ArraySlice<UInt8>) -> Int? {
        guard pair.isDollar else { return find(pair.close, in: text) }
        var index = text.startIndex + 1
        while index < text.endIndex {
            let previous = text[index - 1]
            let next = index + 1 < text.endIndex ? text[index + 1] : UInt8(ascii: " ")
            let isClosing = text[index] == pair.close[0] && previous != backslash
            if isClosing, previous != UInt8(ascii: " "), previous != UInt8(ascii: "\t"), !isWord(next) {
                return index + 1
            }
            index += 1
        }
        return nil
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte >= 0x80
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }

    /// Behind the first `two` bytes in `text`.
    private static func find(_ two: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
        var index = text.startIndex
        while index + 1 < text.endIndex {
            if text[index] == two[0], text[index + 1] == two[1] { return index + 2 }
            // In a formula `\\` is one character: its second backslash opens or closes nothing.
            index += text[index] == backslash ? 2 : 1
        }
        return nil
    }

    /// Behind the next run of backticks as long as `run`.
    private static func find(
        run: ArraySlice<UInt8>, in text: ArraySlice<UInt8>, absent: inout Set<[UInt8]>
    ) -> Int? {
        guard !absent.contains(Array(run)) else { return nil }
        var rest = text
        while let start = rest.firstIndex(of: UInt8(ascii: "`")) {
            let next = rest[start...].prefix { $0 == UInt8(ascii: "`") }
            if next.count == run.count { return next.endIndex }
            rest = rest[next.endIndex...]
        }
        absent.insert(Array(run))
        return nil
    }

    private mutating func escape(_ text: ArraySlice<UInt8>) {
        for byte in text {
            if byte < 0x80, !Self.isWord(byte), byte > UInt8(ascii: " "), byte != 0x7F {
                output.append(Self.backslash)
            }
            output.append(byte)
        }
    }
}
