import ChatCore
import Testing

@Suite("Identifiers, cursors, titles")
struct IdentifierTests {
    @Test(
        "ids have 1 to 64 safe characters",
        arguments: [
            ("a", true), (String(repeating: "a", count: 64), true), ("A-z_09", true), ("", false),
            (String(repeating: "a", count: 65), false), ("a/b", false), ("a b", false), ("ä", false),
            ("..", false),
        ])
    func ids(text: String, isValid: Bool) {
        #expect((ConversationID(rawValue: text) != nil) == isValid)
        #expect((MessageID(rawValue: text) != nil) == isValid)
    }

    @Test("a task's id is safe for a file name, whatever the host is called")
    func taskID() throws {
        let id = TaskID.make(host: "../evil host\u{0}näme/" + String(repeating: "x", count: 80))
        #expect(TaskID(rawValue: id.rawValue) == id)
        #expect(TaskID.make(host: "a") != TaskID.make(host: "a"))
    }

    @Test(
        "base64url agrees with RFC 4648",
        arguments: [
            ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ])
    func base64URL(plain: String, text: String) {
        #expect(Base64URL.encode(Array(plain.utf8)) == text)
        #expect(Base64URL.decode(text) == Array(plain.utf8))
    }

    @Test("cursors are read back and nonsense is refused")
    func cursors() {
        #expect(Cursor("17.2048") == Cursor(version: 17, offset: 2_048))
        #expect(Cursor(version: 17, offset: 2_048).description == "17.2048")
        for text in ["", "1", "1.", ".1", "1.2.3", "-1.2", "1.-2", "a.b", "99999999999999999999.1"] {
            #expect(Cursor(text) == nil)
        }
    }

    @Test("list cursors sort as the list does and are read back")
    func listCursors() throws {
        func conversation(_ id: String, _ updated: Int64, isPinned: Bool = false) throws -> Conversation {
            Conversation(
                id: try ConversationID(validating: id), isPinned: isPinned,
                created: Timestamp(milliseconds: 1),
                updated: Timestamp(milliseconds: updated))
        }
        let order = try [
            conversation("p", 1, isPinned: true), conversation("b", 9), conversation("z", 8),
            conversation("a", 8),
            conversation("_", 7), conversation("Z", 7),
        ].map { ConversationListCursor(of: $0) }
        for (first, left) in order.enumerated() {
            #expect(ConversationListCursor(left.text) == left)
            for (second, right) in order.enumerated() {
                #expect(ConversationListCursor.precedes(left, right) == (first < second))
            }
        }
        for text in ["", "2.1.a", "1.x.a", "1.1.", "1.1.a/b"] { #expect(ConversationListCursor(text) == nil) }
    }

    @Test(
        "an untitled conversation takes the prompt's first line, cut",
        arguments: [
            ("  Hello there \n more", "Hello there "), ("\n\nB", "B"),
            (String(repeating: "x", count: 61), String(repeating: "x", count: 59) + "…"),
        ])
    func titles(text: String, title: String) throws {
        let turn = try NewTurn(
            promptID: .random(), text: text, model: "m",
            owner: AnswerOwner(task: .make(host: "h"), host: "h", epoch: 1))
        #expect(turn.suggestedTitle == title)
    }

    @Test("texts past their limits and empty prompts are refused")
    func textRules() throws {
        try TextRule.prompt.check(String(repeating: "x", count: Limits.promptBytesMax))
        expectCode(.tooLarge) {
            try TextRule.prompt.check(String(repeating: "x", count: Limits.promptBytesMax + 1))
        }
        // A bound in bytes, not in characters.
        expectCode(.tooLarge) {
            try TextRule.title.check(String(repeating: "é", count: Limits.titleBytesMax / 2 + 1))
        }
        expectCode(.invalid) { try TextRule.prompt.check(" \n\t") }
        expectCode(.invalid) { try TextRule.modelID.check("") }
    }
}

/// Expects `body` to throw a ``ChatError`` with `code`.
func expectCode(_ code: ChatError.Code, _ body: () throws -> Void) {
    do {
        try body()
        Issue.record("nothing was thrown, \(code) was expected")
    } catch let error as ChatError {
        #expect(error.code == code)
    } catch {
        Issue.record("\(error) was thrown, \(code) was expected")
    }
}
