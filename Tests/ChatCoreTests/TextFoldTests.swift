import Testing

@testable import ChatCore

@Suite("Folding texts for comparison")
struct TextFoldTests {
    private static func fold(_ text: String) -> String {
        var fold = TextFold()
        return String(decoding: fold.bytes(of: text), as: UTF8.self)
    }

    static let alike: [(String, String)] = [
        ("Straße", "STRASSE"), ("Größe", "grosse"), ("ẞ", "ss"), ("Café", "cafe"), ("Cafe\u{301}", "CAFÉ"),
        ("Łódź", "lodz"), ("Ærø", "ÆRO"), ("ĐAKOVO", "đakovo"), ("İstanbul", "istanbul"), ("ısı", "ISI"),
        ("Ὀδυσσεύς", "ΟΔΥΣΣΕΥΣ"), ("Ёлка", "елка"), ("МОСКВА", "москва"), ("שָׁלוֹם", "שלום"),
        ("مَرْحَبًا", "مرحبا"), ("ＡＢＣ", "abc"), ("ﬁn", "FIN"), ("한국", "\u{1112}\u{1161}\u{11AB}국"),
        ("ǖ", "u"), ("soft\u{AD}hyphen", "softhyphen"), ("Հայ", "հայ"), ("漢字", "漢字"), ("👍🏽", "👍🏽"),
        ("Việt Nam", "viet nam"), ("ÅNGSTRÖM", "\u{212B}ngstrom"),
    ]

    @Test("case, accents, width and the way of writing do not matter", arguments: alike)
    func same(_ left: String, _ right: String) { #expect(Self.fold(left) == Self.fold(right)) }

    static let unlike: [(String, String)] = [
        ("か", "が"), ("कि", "कु"), ("ไม่", "ไม"), ("a", "b"), ("漢", "汉"), ("と", "ど"),
    ]

    @Test("marks that make another letter do", arguments: unlike)
    func different(_ left: String, _ right: String) { #expect(Self.fold(left) != Self.fold(right)) }

    @Test("a query has words, and limits")
    func query() throws {
        #expect(try SearchQuery(" Größe  größe GROSSE x ").words.count == 2)
        for empty in ["", " \n\t ", "\u{301}"] {
            let error = #expect(throws: ChatError.self) { try SearchQuery(empty) }
            #expect(error?.code == .invalid)
        }
        let many = (0...Limits.searchWordsMax).map { "w\($0)" }.joined(separator: " ")
        for long in [many, String(repeating: "x", count: Limits.searchQueryBytesMax + 1)] {
            let error = #expect(throws: ChatError.self) { try SearchQuery(long) }
            #expect(error?.code == .tooLarge)
        }
    }

    private static func marked(_ text: String, _ query: String, scalarsMax: Int = 60) throws -> String {
        var fold = TextFold()
        let snippet = Snippet(
            of: text, words: try SearchQuery(query).words, fold: &fold, scalarsMax: scalarsMax)
        #expect(snippet.pieces.allSatisfy { !$0.text.isEmpty })
        return snippet.pieces.map { $0.isHit ? "[\($0.text)]" : $0.text }.joined()
    }

    @Test("a snippet marks what was searched for in the text as it was written")
    func snippet() throws {
        #expect(try Self.marked("Die GRÖSSE der Straße", "größe strasse") == "Die [GRÖSSE] der [Straße]")
        #expect(try Self.marked("Cafe\u{301}s and cafés", "cafe") == "[Cafe\u{301}]s and [café]s")
        #expect(try Self.marked("one\n\n  two\tthree ", "two") == "one [two] three ")
        #expect(try Self.marked("aaaa", "aa") == "[aaaa]")
        #expect(try Self.marked("abcabc", "abc bca") == "[abcabc]")
        #expect(try Self.marked("İstanbul", "stan") == "İ[stan]bul")
    }

    @Test("a long text is cut between words, around the first hit")
    func cut() throws {
        let text =
            String(repeating: "before ", count: 100) + "Needle " + String(repeating: "after ", count: 100)
        let marked = try Self.marked(text, "needle")
        #expect(marked == "…before before before before before [Needle] after after…")
        #expect(try Self.marked(String(repeating: "x", count: 500), "x").hasSuffix("…"))
        let marks = "e" + String(repeating: "\u{301}", count: 100_000)
        #expect(try Self.marked(marks, "e").unicodeScalars.count < 100)
    }

    @Test("an empty place in a search is read back, and nothing else is taken for one")
    func places() throws {
        let place = SearchPlace(
            updated: Timestamp(milliseconds: 12), id: ConversationID(uncheckedRawValue: "a-b"), before: 7)
        #expect(SearchPlace(place.text) == place)
        for text in ["", "1", "1.2", "x.2.a", "1.-2.a", "1.2.", "1.2.a.b", "1.2.ä"] {
            #expect(SearchPlace(text) == nil, "\(text)")
        }
    }
}
