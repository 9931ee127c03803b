import ChatCore
import Testing

extension SessionStoreSuite {
    /// What people and models write, and what breaks storage that thinks in C strings or in lines.
    private static let texts: [(name: String, text: String)] = [
        ("a NUL in the middle", "before\u{0}after"),
        ("a NUL at the end", "ends\u{0}"),
        ("emoji", "👩‍👩‍👧‍👦🏳️‍🌈👍🏽"),
        ("right to left", "שלום \u{202E}مرحبا\u{202C} عالم"),
        ("composed and decomposed", "é e\u{301} Å A\u{30A}"),
        ("controls and line ends", "a\r\nb\rc\u{2028}d\u{1}\u{7F}\u{85}\t"),
        ("what SQL and JSON quote", #"'; DROP TABLE message; -- "\\" %s ${x} \u0041 </script>"#),
        ("the edges of UTF-8", "\u{7FF}\u{800}\u{FFFD}\u{FFFE}\u{FFFF}\u{10000}\u{10FFFF}"),
        ("100 KB", String(repeating: "0123456789 äöü 😀\n", count: 4_600)),
        ("the longest prompt", String(repeating: "x", count: Limits.promptBytesMax)),
    ]

    static let textClauses: [Clause] =
        texts.map { name, text in
            Clause("text is kept byte for byte: \(name)") { f in
                let id = ConversationID.random()
                let title = String(text.prefix(20))
                let new = try NewConversation(id: id, title: title, systemPrompt: String(text.prefix(1_000)))
                _ = try await f.store.createConversation(new, in: f.session, at: at(1))
                let turn = try await f.begin(text, in: id)
                let place = f.place(turn.answer.id, id)
                var offset = 0
                // A model cuts where it likes, but never inside a character's bytes: scalar by scalar is the
                // worst of it.
                for piece in pieces(of: text) {
                    _ = try await f.store.append(f.part(offset, piece), to: place)
                    offset += piece.utf8.count
                }
                let ended = try await f.store.finish(
                    place, with: f.part(offset, ""), end: AnswerEnd(state: .complete), at: at(2))
                let page = try await f.page(id)
                for stored in [turn.prompt.text, ended.text] + page.messages.map(\.text) {
                    #expect(Array(stored.utf8) == Array(text.utf8))
                }
                #expect(Array(page.conversation.title.utf8) == Array(title.utf8))
                #expect(
                    page.conversation.systemPrompt.map { Array($0.utf8) } == Array(text.prefix(1_000).utf8))
                let again = try f.turn(text, id: turn.prompt.id)
                #expect(try await f.other.beginTurn(again, in: id, of: f.session, at: at(3)).isRepeated)
            }
        } + [
            Clause("ids of the longest kind do") { f in
                let longest = String(repeating: "-", count: Limits.idCharactersMax)
                let id = ConversationID(uncheckedRawValue: longest)
                _ = try await f.store.createConversation(
                    try NewConversation(id: id), in: f.session, at: at(1))
                let turn = try f.turn(id: MessageID(uncheckedRawValue: longest))
                #expect(
                    try await f.store.beginTurn(turn, in: id, of: f.session, at: at(1)).prompt.id.rawValue
                        == longest)
            },
            Clause("ids that differ in case only are different") { f in
                for name in ["abc", "ABC", "aBc"] {
                    let new = try NewConversation(id: ConversationID(uncheckedRawValue: name), title: name)
                    #expect(try await f.store.createConversation(new, in: f.session, at: at(1)).isNew)
                }
                #expect(
                    try await f.page(ConversationID(uncheckedRawValue: "ABC")).conversation.title == "ABC")
            },
        ]

    /// At most a dozen pieces that together are `text`, cut between scalars.
    private static func pieces(of text: String) -> [String] {
        let scalars = Array(text.unicodeScalars)
        let size = max(1, scalars.count / 12)
        return stride(from: 0, to: scalars.count, by: size).map { start in
            var piece = String.UnicodeScalarView()
            piece.append(contentsOf: scalars[start..<min(start + size, scalars.count)])
            return String(piece)
        }
    }
}
