import ChatTesting
import Testing

@testable import ChatServer

@Suite("Formulas are shown as they were written", .timeLimit(.minutes(5)))
struct VerbatimMathTests {
    @Test(
        "what stands between the marks stays, character for character",
        arguments: [
            "\\(a_1 * b_1 * c\\)", "\\[ \\frac{1}{2} \\\\ x \\]", "$a_1 + b_1$", "$$x^{*} * y^{*}$$",
            "so $\\alpha_{i}$, and \\(<b>\\) too", "**bold** \\(a\\)", "$|x|$ and $\\{y\\}$",
            "$$\na &= b_1 * c \\\\\n  &= d_1 * e\n$$", "\\[\n- a\n# b\n\\]", "> \\(a_1\\) and $b_1$",
        ])
    func asWritten(text: String) {
        let shown = Self.plain(Markdown.blocks(of: text[...]).map(\.html).joined())
        let wanted = text.replacing("**bold**", with: "bold").replacing("> ", with: "")
        #expect(Self.words(shown) == Self.words(wanted))
    }

    @Test(
        "code, prices, addresses and escaped characters are no formulas",
        arguments: [
            ("`\\(a\\)` and `$a$`", "<p><code>\\(a\\)</code> and <code>$a$</code></p>"),
            ("```\n$a_b$ \\(c\\)\n```", "<pre><code>$a_b$ \\(c\\)\n</code></pre>"),
            ("$5 and *not* $10", "<p>$5 and <em>not</em> $10</p>"),
            ("\\$a *b* c$", "<p>$a <em>b</em> c$</p>"),
            ("\\*a\\*", "<p>*a*</p>"), ("\\[x](https://y.example)", nil),
            ("costs $ 5 *or* 6 $", "<p>costs $ 5 <em>or</em> 6 $</p>"),
        ] as [(String, String?)])
    func otherThings(text: String, html: String?) {
        let blocks = Markdown.blocks(of: text[...]).map(\.html).joined()
        if let html { #expect(blocks.trimmingSuffix("\n") == html) }
        #expect(!blocks.contains("\\\\"), "a backslash that nobody wrote: \(blocks)")
    }

    @Test("in a table a formula may hold a bar")
    func table() {
        let html = Markdown.blocks(of: "| a | b |\n| --- | --- |\n| $|x|$ | 2 |\n"[...]).map(\.html).joined()
        #expect(html.contains("<td>$|x|$</td>") && html.contains("<td>2</td>"), "\(html)")
    }

    @Test("an answer with formulas that grows in random steps ends as rendering at once, at every step")
    func growing() {
        let text = """
            # Proof

            Let \\(x_1\\) be *small*, say $x_1 < 5$, for $5 and $6.

            $$
            a_1 &= b * c \\\\
            - d
            $$

            1. First \\[ x \\]
            2. Second `$code$`

            \\[
            \\begin{aligned} x_1 \\end{aligned}
            \\]
            and on.

            ```tex
            \\[ y_1 \\]
            $$
            ```

            | a | $b_1$ |
            | - | - |
            | $|c|$ | d |

            """
        var random = SeededGenerator.announced("math")
        for _ in 0..<200 {
            var rendering = AnswerRendering()
            for prefix in AnswerRenderingTests.prefixes(of: text, &random) {
                rendering.extend(to: prefix)
                #expect(
                    rendering.blocks.map(\.html) == Markdown.blocks(of: prefix[...]).map(\.html),
                    "\(prefix.debugDescription)")
            }
        }
    }

    @Test("hostile numbers of marks cost no more than their length")
    func cost() {
        for piece in ["$a ", "\\( ", "\\[", "`a``b", "$$", "\\\\("] {
            let text = String(repeating: piece, count: Markdown.parseBytesMax / piece.utf8.count)
            let clock = ContinuousClock()
            let took = clock.measure { _ = Markdown.blocks(of: text[...]) }
            #expect(took < .seconds(10), "\(piece): \(took)")
        }
    }

    private static func plain(_ html: String) -> String {
        var text = ""
        var isTag = false
        for character in html {
            if character == "<" {
                isTag = true
            } else if character == ">" {
                isTag = false
            } else if !isTag {
                text.append(character)
            }
        }
        return text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
            .replacing("&amp;", with: "&")
    }

    private static func words(_ text: String) -> [Substring] { text.split(whereSeparator: \.isWhitespace) }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
