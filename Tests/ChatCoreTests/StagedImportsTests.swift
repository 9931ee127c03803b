import Testing

@testable import ChatCore

@Suite("What imports put aside in memory")
struct StagedImportsTests {
    @Test("is bounded, and one that is too long is forgotten with its import")
    func bound() throws {
        let staged = StagedImports()
        let session = SessionKey().sessionID
        let id = ImportID.random()
        let text = String(repeating: "x", count: Limits.answerBytesMax)
        let messagesMax = Limits.stagedBytesMax / Limits.answerBytesMax
        func message(_ position: Int) -> Message {
            Message(
                id: .random(), role: .assistant, position: position, text: text, state: .complete,
                created: Timestamp(milliseconds: 1), updated: Timestamp(milliseconds: 1), version: 1)
        }
        for position in 1...messagesMax { try staged.add([message(position)], of: id, in: session) }
        let error = #expect(throws: ChatError.self) {
            try staged.add([message(messagesMax + 1)], of: id, in: session)
        }
        #expect(error?.code == .limitReached)
        #expect(try staged.messages(messagesMax, of: id, in: session).count == messagesMax)
        staged.discard(id, in: session)
        #expect(throws: ChatError.self) { try staged.messages(messagesMax, of: id, in: session) }
        try staged.add([message(1)], of: .random(), in: session)
    }
}
