import Testing

@testable import ChatServer

@Suite("Strict JSON", .timeLimit(.minutes(5)))
struct JSONParserTests {
    @Test("what JSON allows is read, and written back")
    func allowed() throws {
        let text =
            #" {"a":[1,-2,0,1.5,2e3],"b":{"c":null,"d":true},"f":"\"\\\/\b\f\n\r\té\ud83d\ude42日本"} "#
        let value = try JSONParser.value(of: Array(text.utf8))
        #expect(value.text("f") == "\"\\/\u{8}\u{c}\n\r\té🙂日本")
        #expect(value.at("a.1") == .integer(-2))
        #expect(try JSONParser.value(of: value.bytes) == value)
        #expect(try JSONParser.value(of: Array("0".utf8)) == .integer(0))
        #expect(try JSONParser.value(of: Array("99999999999999999999".utf8)) == .number(1e20))
    }

    @Test(
        "what JSON does not allow is refused",
        arguments: [
            "", " ", "{", "}", "[1,]", "{\"a\":1,}", "{\"a\"}", "{a:1}", "'a'", "01", "1.", ".5", "+1", "1e",
            "-", "tru", "nul",
            "\"a", "\"\n\"", "\"\\x\"", "\"\\u12\"", "\"\\ud83d\"", "\"\\ude42\"", "\"\\ud83dx\"", "1 2",
            "{} x", "[1 2]", "NaN",
            "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "\u{FEFF}{}", "/* */ 1",
            String(repeating: "[", count: 1_000),
        ])
    func refused(text: String) {
        #expect(throws: JSONParser.Failure.self) { try JSONParser.value(of: Array(text.utf8)) }
    }

    @Test("what is not UTF-8 is refused")
    func invalidUTF8() {
        for bytes: [UInt8] in [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0xFF, 0xFE],
        ] {
            #expect(throws: JSONParser.Failure.self) { try JSONParser.value(of: bytes) }
        }
    }
}
