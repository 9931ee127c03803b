import ChatTesting
import Testing

@testable import ChatServer

@Suite("Growing answers", .timeLimit(.minutes(5)))
struct AnswerRenderingTests {
    /// Lines whose meaning changes while they grow, or changes the lines around them. Without reference
    /// definitions, which are the known exception.
    static let pieces = [
        "a", "b c", "\n", "\n\n", "# head\n", "=", "===\n", "---\n", "-", "- item\n", "  - inner\n", "* x\n",
        "1", ". ", "1. one\n",
        "> quote\n", ">", "> ", "```\n", "```", "``", "~~~\ncode\n", "    code\n", "\t", "  ", " ",
        "| a | b |\n", "|---|---|\n",
        "| 1 | 2 |\n", "|", "|-", ":-", "**bold**", "*", "_", "[x](https://y.example)", "<div>\n", "</div>\n",
        "<!-- ", "-->\n",
        "\\", "\r\n", "\r", "é", "日本", "🙂", "\u{0}", "text\n| a |\n|---|\n", "- \n", "+\n", "#",
        "####### x\n", "&amp;", "<br>", "$$", "$x_1$", "\\[", "\\]\n", "+ ```\n", "1. ```\n", "    ```\n",
    ]

    static func randomText(_ random: inout SeededGenerator) -> String {
        (0..<Int.random(in: 1...40, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
            .joined()
    }

    /// Prefixes that end between characters as a model's pieces do, the whole text last.
    static func prefixes(of text: String, _ random: inout SeededGenerator) -> [String] {
        let scalars = Array(text.unicodeScalars)
        var ends = (0..<Int.random(in: 0...12, using: &random)).map { _ in
            Int.random(in: 0...scalars.count, using: &random)
        }
        ends.append(scalars.count)
        return Set(ends).sorted().map { end in
            var prefix = String.UnicodeScalarView()
            prefix.append(contentsOf: scalars[..<end])
            return String(prefix)
        }
    }

    @Test("growing in random steps ends as rendering at once, at every step")
    func growing() async {
        var random = SeededGenerator.announced("growing")
        for _ in 0..<4_000 {
            // The tests beside this one wait for timers.
            await Task.yield()
            let text = Self.randomText(&random)
            var rendering = AnswerRendering()
            for prefix in Self.prefixes(of: text, &random) {
                rendering.extend(to: prefix)
                #expect(
                    rendering.blocks.map(\.html) == Markdown.blocks(of: prefix[...]).map(\.html),
                    "\(prefix.debugDescription)")
            }
        }
    }

    @Test(
        "texts that once ended otherwise, at every step",
        arguments: [
            // A fence behind a carriage return that ends a line, and one in a list that is closed outside.
            ">\r  ```\n``a\n```\n===\n```\n  > quote\n\\[",
            "    ```\n\ntext\n\n```\n\\[ a_1\n\nb\n", "1. ```\n   a\n\n```\n$$\na_1\n\n```\n$$ b\n",
        ])
    func found(text: String) {
        var rendering = AnswerRendering()
        for end in text.unicodeScalars.indices {
            let prefix = String(text[...end])
            rendering.extend(to: prefix)
            #expect(
                rendering.blocks.map(\.html) == Markdown.blocks(of: prefix[...]).map(\.html),
                "\(prefix.debugDescription)")
        }
    }

    @Test("a reader that resumes anywhere, on any task, ends with the whole rendering")
    func resuming() async {
        var random = SeededGenerator.announced("resuming")
        for _ in 0..<4_000 {
            // The tests beside this one wait for timers.
            await Task.yield()
            let text = Self.randomText(&random)
            // What the reader shows came from a task that saw other steps than the one it asks now.
            var shown: [String] = []
            var offset = 0
            var rendering = AnswerRendering()
            for prefix in Self.prefixes(of: text, &random) {
                if Bool.random(using: &random) { rendering = AnswerRendering() }
                rendering.extend(to: prefix)
                let change = rendering.change(after: offset, in: prefix)
                #expect(change.fromBlock <= shown.count, "\(prefix.debugDescription) from \(offset)")
                shown.removeSubrange(min(change.fromBlock, shown.count)...)
                shown += change.blocks
                offset = prefix.utf8.count
                #expect(
                    shown == Markdown.blocks(of: prefix[...]).map(\.html), "\(prefix.debugDescription)")
            }
        }
    }

    @Test("a text longer than one parse keeps its blocks where they are")
    func longText() {
        let section = "# Part\n\nSome *text* here, and a list:\n\n- one\n- two\n\n"
        let text = String(repeating: section, count: 3 * Markdown.parseBytesMax / section.utf8.count)
        let blocks = AnswerRendering.whole(text)
        #expect(blocks.count == 3 * (text.utf8.count / section.utf8.count))
        #expect(blocks.suffix(3) == Markdown.blocks(of: section[...]).map(\.html).suffix(3))
    }

    @Test(
        "one endless block is shown as it is, in pieces that stay when it grows",
        arguments: ["code\n", "日本語"])
    func endlessBlock(line: String) {
        let text =
            "start\n\n```\n" + String(repeating: line, count: 2 * Markdown.parseBytesMax / line.utf8.count)
        var rendering = AnswerRendering()
        rendering.extend(to: text)
        let before = rendering.blocks.map(\.html)
        rendering.extend(to: text + line)
        let change = rendering.change(after: text.utf8.count, in: text + line)
        #expect(change.fromBlock <= before.count)
        #expect(Array(rendering.blocks.map(\.html).prefix(before.count - 1)) == Array(before.dropLast()))
        #expect(before.dropFirst().joined().contains(line))
        #expect(!before.joined().contains("\u{FFFD}"))
    }

    @Test("a stream of small steps costs what the end costs, not the whole each time")
    func cost() {
        let paragraph = "Some words of *text*, a `piece` of code and a [link](https://a.example).\n\n"
        var text = ""
        var rendering = AnswerRendering()
        for _ in 0..<400 {
            text += paragraph
            rendering.extend(to: text)
            let change = rendering.change(after: text.utf8.count - paragraph.utf8.count, in: text)
            #expect(change.blocks.count <= 3)
        }
    }

    @Test("what costs too much goes, the oldest first")
    func cache() {
        var cache = BoundedCache<Int, String>(costMax: 10)
        for key in 0..<5 { cache.store("v\(key)", for: key, cost: 3) }
        #expect(cache[0] == nil && cache[1] == nil)
        #expect(cache[2] == "v2" && cache[4] == "v4")
        cache.store("new", for: 2, cost: 3)
        cache.store("more", for: 9, cost: 3)
        #expect(cache[2] == "new" && cache[3] == nil)
        cache.store("huge", for: 7, cost: 11)
        #expect(cache[7] == nil && cache[2] == "new")
        for key in 0..<10_000 { cache.store("x", for: key, cost: 1) }
        #expect(cache[9_999] == "x" && cache[9_989] == nil)
    }
}
