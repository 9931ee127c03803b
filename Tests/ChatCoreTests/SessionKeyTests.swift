import ChatCore
import Testing

@Suite("Session key")
struct SessionKeyTests {
    @Test("its text is read back, and opens the same session")
    func roundTrip() throws {
        let key = SessionKey()
        let again = try #require(SessionKey(key.secretText))
        #expect(again.sessionID == key.sessionID)
        #expect(again.secretText == key.secretText)
        #expect(SessionKey().sessionID != key.sessionID)
    }

    @Test("the session's id is the hash of the key's bytes")
    func sessionID() throws {
        let key = try #require(SessionKey("stoa_" + String(repeating: "A", count: 43)))
        // 32 zero bytes.
        #expect(
            key.sessionID.hexadecimal == "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925")
        #expect(key.sessionID.short == "66687aad")
    }

    @Test(
        "malformed texts are refused",
        arguments: [
            "", "stoa_", "stoa_" + String(repeating: "A", count: 42),
            "stoa_" + String(repeating: "A", count: 44),
            "STOA_" + String(repeating: "A", count: 43), "stoa_" + String(repeating: "A", count: 42) + "+",
            // The last character carries two unused bits: one key must have one text.
            "stoa_" + String(repeating: "A", count: 42) + "B", "stoa_" + String(repeating: "é", count: 43),
        ])
    func malformed(text: String) { #expect(SessionKey(text) == nil) }

    @Test("no way of printing a key shows it")
    func printing() {
        let key = SessionKey()
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(describing: key), String(reflecting: key), dumped, "\([key])"] {
            #expect(!text.contains(key.secretText.dropFirst(5)))
            #expect(!text.contains("bytes"))
        }
    }
}
