import ChatCore
import Testing

extension SessionStoreSuite {
    static let importingClauses: [Clause] = [
        Clause("an imported conversation is what was exported, and goes on from there") { f in
            let conversation = try await f.conversation("title")
            let first = try await f.begin("one", in: conversation, answer: "1")
            let second = try await f.begin("two", in: conversation, answer: "2")
            _ = try await f.begin("two!", in: conversation, replacing: second.prompt.id, answer: "2!")
            let patch = try ConversationPatch(
                systemPrompt: .some("Be brief."), isPinned: true, shown: second.prompt.id)
            _ = try await f.store.updateConversation(conversation, of: f.session, with: patch, at: at(90))
            let exported = try await f.transcript([conversation])

            let other = try await StoreFixture(sharing: f)
            #expect(try await other.take(exported) == true)
            let again = try await other.transcript([conversation])
            #expect(again.map(\.shown) == exported.map(\.shown))
            #expect(again.flatMap(\.entries).map(\.content) == exported.flatMap(\.entries).map(\.content))
            let copy = try #require(again.first?.conversation)
            #expect(copy.title == "title" && copy.isPinned && copy.systemPrompt == "Be brief.")
            #expect(copy.created == exported[0].conversation.created)
            #expect(copy.updated == exported[0].conversation.updated && copy.messageCount == 6)
            #expect(try await other.page(conversation).messages.map(\.text) == ["one", "1", "two", "2"])
            #expect(try await other.page(conversation).messages[2].alternatives.count == 2)

            let third = try await other.begin("three", in: conversation, answer: "3")
            #expect(third.prompt.position == 7)
            #expect(
                try await other.page(conversation).messages.map(\.text)
                    == ["one", "1", "two", "2", "three", "3"])
            let retry = try Retry(
                of: first.prompt.id, answerID: .random(), model: "demo", owner: other.owner)
            _ = try await other.store.retryAnswer(retry, in: conversation, of: other.session, at: at(99))
            let repeated = try f.turn("one", id: first.prompt.id)
            let known = try await other.store.beginTurn(
                repeated, in: conversation, of: other.session, at: at(100))
            #expect(known.isRepeated && known.answer.id == retry.answerID)
        },
        Clause("what is put aside is seen by nobody, in whatever pieces and however often it comes") { f in
            let messages = try StoreFixture.messages(9)
            let id = ImportID.random()
            for range in [0..<2, 0..<2, 1..<5, 0..<3, 5..<9] {
                try await f.store.stageImport(Array(messages[range]), of: id, in: f.session)
            }
            #expect(
                try await f.other.conversations(of: f.session, after: nil, limit: 9).conversations.isEmpty)
            #expect(try await f.search("text").results.isEmpty)
            let before = try #require(try await f.other.sessionVersions(of: [f.session])[f.session])
            let whole = try StoreFixture.imported(messages)
            #expect(try await f.store.commitImport(whole, of: id, in: f.session))
            #expect(try await f.page(whole.conversation.id).messages.map(\.text) == messages.map(\.text))
            let after = try #require(try await f.other.sessionVersions(of: [f.session])[f.session])
            #expect(after > before)
            #expect(try await f.store.commitImport(whole, of: id, in: f.session) == false)
        },
        Clause("a conversation that exists is left as it is") { f in
            let conversation = try await f.conversation("mine")
            let messages = try StoreFixture.messages(2)
            let id = ImportID.random()
            try await f.store.stageImport(messages, of: id, in: f.session)
            let whole = try StoreFixture.imported(messages, id: conversation)
            #expect(try await f.store.commitImport(whole, of: id, in: f.session) == false)
            #expect(try await f.page(conversation).conversation.title == "mine")
            #expect(try await f.page(conversation).messages.isEmpty)
        },
        Clause("an import that was overtaken by another, given up or is not whole makes nothing") { f in
            let messages = try StoreFixture.messages(4)
            let first = ImportID.random(), second = ImportID.random()
            try await f.store.stageImport(messages, of: first, in: f.session)
            try await f.store.stageImport(Array(messages.prefix(2)), of: second, in: f.session)
            let whole = try StoreFixture.imported(messages)
            await expectError(.conflict) { try await f.store.commitImport(whole, of: first, in: f.session) }
            await expectError(.conflict) { try await f.store.commitImport(whole, of: second, in: f.session) }
            await expectError(.conflict) {
                try await f.store.stageImport(Array(messages.suffix(1)), of: second, in: f.session)
            }
            try await f.store.discardImport(second, in: f.session)
            try await f.store.discardImport(second, in: f.session)
            await expectError(.conflict) {
                try await f.store.stageImport(Array(messages.suffix(2)), of: second, in: f.session)
            }
            #expect(
                try await f.other.conversations(of: f.session, after: nil, limit: 9).conversations.isEmpty)
        },
        Clause("an empty conversation is imported too; a deleted session takes no import") { f in
            let whole = try StoreFixture.imported([])
            #expect(try await f.store.commitImport(whole, of: .random(), in: f.session))
            #expect(try await f.page(whole.conversation.id).messages.isEmpty)
            let id = ImportID.random()
            let messages = try StoreFixture.messages(2)
            try await f.store.stageImport(messages, of: id, in: f.session)
            try await f.store.deleteSession(f.session)
            await expectError(.unauthorized) {
                try await f.store.stageImport(messages, of: id, in: f.session)
            }
            await expectError(.unauthorized) {
                try await f.store.commitImport(
                    try StoreFixture.imported(messages), of: id, in: f.session)
            }
        },
    ]
}

extension StoreFixture {
    /// Another session of the same stores.
    init(sharing other: StoreFixture) async throws {
        store = other.store
        self.other = other.other
        isShared = other.isShared
        makeStore = other.makeStore
        session = try await other.stranger()
    }

    /// Turns of a prompt and an answer, one after the other.
    static func messages(_ count: Int) throws -> [Message] {
        var checked = ConversationImport()
        var last: MessageID?
        return try (0..<count).map { number in
            let message = ImportedMessage(
                id: MessageID(uncheckedRawValue: "m\(number)"), follows: last,
                role: number % 2 == 0 ? .user : .assistant, text: "text \(number)", created: at(10),
                updated: at(20))
            last = message.id
            return try checked.add(message)
        }
    }

    static func imported(_ messages: [Message], id: ConversationID = .random()) throws
        -> ImportedConversation
    {
        let conversation = Conversation(
            id: id, title: "imported", version: 1 + messages.count, messageCount: messages.count,
            created: at(5), updated: at(50))
        return ImportedConversation(conversation: conversation, branching: nil)
    }

    /// Imports one conversation as it was exported, in batches of two.
    func take(_ parts: [TranscriptStretch.Part]) async throws -> Bool {
        let known = try #require(parts.last)
        var checked = ConversationImport()
        let id = ImportID.random()
        var batch: [Message] = []
        for entry in parts.flatMap(\.entries) {
            batch.append(try checked.add(entry.asImported))
            if batch.count == 2 {
                try await store.stageImport(batch, of: id, in: session)
                batch = []
            }
        }
        if !batch.isEmpty { try await store.stageImport(batch, of: id, in: session) }
        let whole = try checked.conversation(known.conversation, shown: known.shown)
        return try await store.commitImport(whole, of: id, in: session)
    }
}

extension TranscriptStretch.Entry {
    /// What an export holds of it.
    var asImported: ImportedMessage {
        var imported = ImportedMessage(
            id: message.id, follows: follows, role: message.role, text: message.text, state: message.state,
            created: message.created, updated: message.updated)
        imported.reasoning = message.reasoning
        imported.model = message.model
        imported.stopReason = message.stopReason
        imported.failure = message.failure
        imported.usage = message.usage
        imported.host = message.owner?.host
        return imported
    }

    /// As ``asImported``, and whether it is shown.
    var content: [String] { ["\(asImported)", "\(isShown)"] }
}
