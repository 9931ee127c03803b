import ChatCore
import ChatTesting
import Testing

@Suite("Utterance")
struct UtteranceTests {
    private let whole = Utterance(reasoning: "hmö", text: "Ja 🙂")

    @Test(
        "what follows after any byte, put behind what was before, is the whole; inside a character is nothing"
    )
    func dropping() {
        var places = 0
        for count in 0...whole.bytes {
            guard let rest = whole.dropFirst(count) else { continue }
            places += 1
            #expect(rest.bytes == whole.bytes - count)
            #expect(whole.reasoning.hasSuffix(rest.reasoning) && whole.text.hasSuffix(rest.text))
        }
        #expect(places == whole.reasoning.count + whole.text.count + 1)
        #expect(whole.dropFirst(-1) == nil && whole.dropFirst(whole.bytes + 1) == nil)
    }

    @Test("a part in any place that agrees adds only what is new")
    func taking() throws {
        for first in 0...whole.bytes {
            guard let tail = whole.dropFirst(first) else { continue }
            for known in first...whole.bytes {
                guard let rest = whole.dropFirst(known) else { continue }
                var said = prefix(known)
                #expect(try said.take(tail, at: first) == rest)
                #expect(said == whole)
            }
        }
    }

    @Test("a part that leaves a gap, disagrees, or thinks after the answer began is refused")
    func refusing() {
        let wrong: [(Utterance, Utterance, Int)] = [
            (Utterance(reasoning: "a"), "b", 2), (Utterance(reasoning: "a"), "a", 0),
            ("a", Utterance(reasoning: "a"), 0), ("a", Utterance(reasoning: "b"), 1),
            (Utterance(reasoning: "ab"), Utterance(reasoning: "a", text: "bc"), 0),
            (Utterance(reasoning: "a", text: "b"), Utterance(reasoning: "ab", text: "c"), 0), ("ä", "x", 1),
        ]
        for (known, part, offset) in wrong {
            var said = known
            #expect(throws: ChatError.self, "\(part) at \(offset) of \(known)") {
                try said.take(part, at: offset)
            }
            #expect(said == known)
        }
    }

    private func prefix(_ count: Int) -> Utterance {
        let thought = min(count, whole.reasoning.utf8.count)
        return Utterance(
            reasoning: String(whole.reasoning.utf8.prefix(thought)) ?? "?",
            text: String(whole.text.utf8.prefix(count - thought)) ?? "?")
    }
}
