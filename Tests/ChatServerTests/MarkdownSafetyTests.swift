import ChatTesting
import Testing

@testable import ChatServer

/// Whatever a text says, only these tags with these attributes come out of it.
enum SafeHTML {
    static let attributes: [String: Set<String>] = [
        "a": ["href", "rel", "target", "title"], "pre": ["lang"], "ol": ["start"],
        "input": ["type", "checked", "disabled"],
        "th": ["align"], "td": ["align"],
        "p": [], "h1": [], "h2": [], "h3": [], "h4": [], "h5": [], "h6": [], "blockquote": [], "ul": [],
        "li": [],
        "code": [], "em": [], "strong": [], "del": [], "br": [], "hr": [], "table": [], "thead": [],
        "tbody": [],
        "tr": [],
    ]

    /// What is wrong with `html`, or nil.
    static func fault(in html: String) -> String? {
        var rest = html[...]
        while let open = rest.firstIndex(of: "<") {
            rest = rest[rest.index(after: open)...]
            guard let close = rest.firstIndex(of: ">") else { return "a tag that does not end" }
            if let fault = fault(inTag: rest[..<close]) { return fault }
            rest = rest[rest.index(after: close)...]
        }
        return nil
    }

    private static func fault(inTag tag: Substring) -> String? {
        var tag = tag
        if tag.hasPrefix("/") { tag = tag.dropFirst() }
        let name = String(tag.prefix { $0.isLetter || $0.isNumber })
        guard let allowed = attributes[name] else { return "tag \(name)" }
        tag = tag.dropFirst(name.count)
        while true {
            tag = tag.drop { $0 == " " || $0 == "/" || $0 == "\n" }
            if tag.isEmpty { return nil }
            let attribute = String(tag.prefix { $0 != "=" && $0 != " " })
            guard allowed.contains(attribute) else { return "attribute \(attribute) of \(name)" }
            tag = tag.dropFirst(attribute.count)
            guard tag.hasPrefix("=\"") else { continue }
            let value = tag.dropFirst(2).prefix { $0 != "\"" }
            if attribute == "href",
                !["http://", "https://", "mailto:"].contains(where: value.lowercased().hasPrefix)
            {
                return "a link to \(value)"
            }
            tag = tag.dropFirst(2 + value.count + 1)
        }
    }
}

@Suite("Markdown is safe", .timeLimit(.minutes(5)))
struct MarkdownSafetyTests {
    static let hostile = [
        "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "a <b onclick=x>b</b>",
        "<svg/onload=alert(1)>",
        "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](&#106;avascript:alert(1))",
        "[x](\tjavascript:x)",
        "[x](data:text/html;base64,PHNjcmlwdD4=)", "[x](vbscript:x)", "[x](//evil.example/)",
        "[x](/api/v1/session)",
        "[x](https://ok.example/\"onmouseover=alert(1))", "[x](https://ok.example 'a\" onclick=\"x')",
        "![x](https://evil.example/track.png)", "![x](data:image/png;base64,AAAA)",
        "![x](javascript:alert(1))",
        "[![x](https://evil.example/i.png)](https://ok.example)",
        "![a [b](https://c.example) d](https://e.example)",
        "<https://ok.example/<script>>", "<javascript:alert(1)>", "www.example.com\"onclick=x",
        "xmpp:a@b.example",
        "```\"><script>alert(1)</script>\nx\n```", "``` x\" onload=\"y\ncode\n```",
        "<a href=\"https://x\" id=\"send\">x</a>",
        "| <script> | b |\n|---|---|\n| <img src=x> | [x](javascript:y) |",
        "- [ ] <input autofocus onfocus=alert(1)>",
        "# x {#send .danger}", "<!-- --!> <script>x</script> -->", "<style>*{display:none}</style>",
        "\u{0}<script>",
        "<![CDATA[ <script> ]]>", "<?php echo 1 ?>", "[ref]\n\n[ref]: javascript:alert(1)", "&lt;script&gt;",
        "\\<script\\>",
        "<form action=/x><button>", "<iframe srcdoc=x>", "<textarea><script>", "<base href=//evil>",
        "<meta http-equiv=refresh>",
        "<a href=\"x\" href=\"javascript:y\">", "<div\nonclick=x\n>", "~~<script>~~", "`<script>`",
        "    <script>",
    ]

    @Test("only known tags, attributes and links come out", arguments: hostile)
    func hostileText(text: String) {
        for block in Markdown.blocks(of: text[...]) {
            #expect(SafeHTML.fault(in: block.html) == nil, "\(text) became \(block.html)")
        }
    }

    @Test("random mixtures of hostile pieces stay safe")
    func hostileMixtures() async {
        var random = SeededGenerator.announced("hostile Markdown")
        let glue = [
            "\n", "\n\n", " ", "", "> ", "- ", "1. ", "    ", "|", "\n|", "*", "_", "`", "[", "](", ")", "<",
            "\"",
        ]
        for _ in 0..<1_500 {
            // The tests beside this one wait for timers.
            await Task.yield()
            var text = ""
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                text += Self.hostile.randomElement(using: &random) ?? ""
                text += glue.randomElement(using: &random) ?? ""
            }
            for block in Markdown.blocks(of: text[...]) {
                #expect(
                    SafeHTML.fault(in: block.html) == nil, "\(text.debugDescription) became \(block.html)")
            }
        }
    }

    @Test("the check itself finds what must not be there")
    func checkChecks() {
        #expect(SafeHTML.fault(in: "<script>") != nil)
        #expect(SafeHTML.fault(in: "<p id=\"send\">") != nil)
        #expect(SafeHTML.fault(in: "<a href=\"javascript:x\">") != nil)
        #expect(SafeHTML.fault(in: "<img src=\"x\">") != nil)
    }

    @Test("links open elsewhere and tell nothing")
    func links() {
        let html = Markdown.blocks(of: "[a](https://b.example) https://c.example <d@e.example>").map(\.html)
            .joined()
        let opening = "<a rel=\"noopener noreferrer nofollow\" target=\"_blank\" href=\""
        #expect(html.contains(opening + "https://b.example\">a</a>"))
        #expect(html.contains(opening + "https://c.example\""))
        #expect(html.contains(opening + "mailto:d@e.example\""))
    }

    @Test("an image is a link with its description")
    func images() {
        let html = Markdown.blocks(of: "![a *cat*](https://b.example/c.png)").map(\.html).joined()
        #expect(html.contains("href=\"https://b.example/c.png\">a <em>cat</em></a>"))
        #expect(Markdown.blocks(of: "![a cat](cat.png)").map(\.html) == ["<p>a cat</p>\n"])
    }

    @Test("raw HTML is shown as it was written, and a break is a break")
    func rawHTML() {
        #expect(Markdown.blocks(of: "a <b>c</b>").map(\.html) == ["<p>a &lt;b&gt;c&lt;/b&gt;</p>\n"])
        #expect(
            Markdown.blocks(of: "<div>\nx\n</div>").map(\.html) == [
                "<p>&lt;div&gt;<br />\nx<br />\n&lt;/div&gt;</p>\n"
            ])
        #expect(Markdown.blocks(of: "a<br>b").map(\.html) == ["<p>a<br />\nb</p>\n"])
    }

    @Test("tables, code, tasks and strikethrough are rendered")
    func extensions() {
        let text = "| a | b |\n|---|:-:|\n| 1 | 2 |\n\n```swift\nlet x = 1 < 2\n```\n\n- [x] ~~done~~\n"
        let html = Markdown.blocks(of: text[...]).map(\.html)
        #expect(html.count == 3)
        #expect(html[0].contains("<th align=\"center\">b</th>"))
        #expect(html[1] == "<pre lang=\"swift\"><code>let x = 1 &lt; 2\n</code></pre>\n")
        #expect(html[2].contains("<del>done</del>") && html[2].contains("type=\"checkbox\""))
    }

    @Test(
        "hostile sizes take bounded time",
        arguments: [
            Repeated("[", 100_000), Repeated("![l", 40_000), Repeated("> ", 50_000, end: "x"),
            Repeated("**a *a ", 18_000), Repeated("x|y\n", 30_000), Repeated("- ", 50_000),
            Repeated("_a <", 30_000), Repeated("`a``b", 25_000), Repeated("www.a.b(", 16_000),
            Repeated("<!--", 30_000), Repeated("[a](<b", 20_000), Repeated("a@b.", 30_000),
            Repeated("~~a~", 30_000), Repeated("[^a]: b\n", 15_000),
            Repeated(
                "a wide table",
                text: String(repeating: "|", count: 30_000) + "\n" + String(repeating: "|-", count: 30_000)
                    + "\n" + String(repeating: "|\n", count: 15_000)),
            Repeated(
                "a deep list",
                text: (0..<400).map { String(repeating: " ", count: $0) + "- a\n" }.joined()),
        ])
    func hostileSizes(hostile: Repeated) {
        let text = hostile.text
        // As much as one parse takes, and more than that.
        for text in [String(decoding: text.utf8.prefix(Markdown.parseBytesMax), as: UTF8.self), text] {
            let began = ContinuousClock.now
            let blocks = AnswerRendering.whole(text)
            let took = ContinuousClock.now - began
            let bytes = blocks.reduce(0) { $0 + $1.utf8.count }
            print("\(hostile.testDescription), \(text.utf8.count) bytes: \(took), \(bytes) bytes out")
            #expect(took < .seconds(5))
            #expect(bytes < 40 * Markdown.parseBytesMax)
        }
    }
}
