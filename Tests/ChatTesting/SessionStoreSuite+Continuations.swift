import ChatCore
import Testing

extension SessionStoreSuite {
    static let continuationClauses: [Clause] = [
        Clause("an answer that was cut off goes on: same text, next epoch, next version") { f in
            let id = try await f.conversation()
            let turn = try await f.cutOff("Half", in: id)
            let before = try await f.page(id).messages[1]
            let on = try await f.other.continueAnswer(
                f.continuation(before), in: id, of: f.session, at: at(40))
            #expect(!on.isRepeated && on.prompt == turn.prompt)
            #expect(on.answer.id == turn.answer.id && on.answer.text == "Half")
            #expect(on.answer.state == .running && on.answer.owner?.epoch == 2)
            #expect(on.answer.version == before.version + 1 && on.answer.updated == at(40))
            #expect(on.answer.created == before.created && on.answer.position == before.position)
            #expect(on.conversation.version == on.answer.version)
            #expect(on.conversation.runningAnswer == turn.answer.id && on.conversation.messageCount == 2)
            #expect(try await f.page(id).messages == [turn.prompt, on.answer])
            #expect(try await f.cursor(id) == Cursor(version: 5, offset: 4))
        },
        Clause("parts of an answer that goes on begin behind its text; only its new owner writes") { f in
            let id = try await f.conversation()
            let turn = try await f.cutOff("Hä", in: id, usage: Message.Usage(inputTokens: 3, outputTokens: 1))
            let place = f.place(turn.answer.id, id)
            let on = try await f.goOn(in: id)
            let owner = try #require(on.answer.owner)
            await expectError(.fenced) { try await f.store.append(f.part(3, "x"), to: place) }
            #expect(try await f.store.interrupt(place, ownedBy: f.owner, at: at(41)) == false)
            await expectError(.invalid) { try await f.store.append(f.part(0, "x", by: owner), to: place) }
            _ = try await f.store.append(f.part(3, "lf ", by: owner), to: place)
            _ = try await f.store.append(f.part(3, "lf way", by: owner), to: place)
            #expect(try await f.cursor(id) == Cursor(version: 5, offset: 9))
            #expect(try await f.page(id).messages[1].text == "Hälf way")
            let end = AnswerEnd(
                state: .complete, stopReason: "stop", usage: Message.Usage(inputTokens: 5, outputTokens: 2))
            for _ in 0..<2 {
                let ended = try await f.other.finish(
                    place, with: f.part(9, "!", by: owner), end: end, at: at(42))
                #expect(ended.text == "Hälf way!" && ended.state == .complete && ended.version == 6)
                #expect(ended.usage == Message.Usage(inputTokens: 8, outputTokens: 3))
                #expect(try await f.page(id).messages[1] == ended)
            }
        },
        Clause("one continuation is started once, however often and late it is sent") { f in
            let id = try await f.conversation()
            try await f.cutOff("Half", in: id)
            let asked = f.continuation(try await f.page(id).messages[1])
            let first = try await f.store.continueAnswer(asked, in: id, of: f.session, at: at(40))
            let again = try await f.other.continueAnswer(asked, in: id, of: f.session, at: at(41))
            #expect(again.isRepeated && again.answer == first.answer && again.prompt == first.prompt)
            #expect(again.conversation == first.conversation)
            let owner = try #require(first.answer.owner)
            #expect(
                try await f.store.interrupt(f.place(first.answer.id, id), ownedBy: owner, at: at(42)))
            let late = try await f.other.continueAnswer(asked, in: id, of: f.session, at: at(43))
            #expect(late.isRepeated && late.answer.state == .interrupted && late.answer.version == 6)
            #expect(try await f.goOn(in: id).answer.owner?.epoch == 3)
        },
        Clause("a reader who saw the end of an answer sees it grow again") { f in
            let id = try await f.conversation()
            let turn = try await f.cutOff("Half", in: id)
            let seen = try await f.page(id).cursor
            let on = try await f.goOn(in: id)
            let begun = try #require(try await f.changes(id, since: seen))
            #expect(begun.messages == [on.answer] && begun.growth == nil && !begun.isReset)
            #expect(begun.cursor == Cursor(version: 5, offset: 4))
            let part = f.part(4, " way", by: on.answer.owner)
            _ = try await f.store.append(part, to: f.place(turn.answer.id, id))
            let grown = try #require(try await f.changes(id, since: begun.cursor))
            #expect(grown.growth == AnswerGrowth(message: turn.answer.id, offset: 4, text: " way"))
        },
        Clause("an answer without text goes on too, and so does one that a limit cut") { f in
            let id = try await f.conversation()
            try await f.cutOff("", in: id)
            #expect(try await f.goOn(in: id).answer.text.isEmpty)
            let other = try await f.conversation()
            let place = f.place(try await f.begin(in: other).answer.id, other)
            let end = AnswerEnd(state: .complete, stopReason: "length")
            _ = try await f.store.finish(place, with: f.part(0, "Long"), end: end, at: at(30))
            #expect(try await f.goOn(in: other).answer.text == "Long")
        },
        Clause("what is whole, not the last, running or unknown does not go on, and nothing is changed") {
            f in
            let id = try await f.conversation()
            try await f.cutOff("Half", in: id)
            let early = try await f.page(id).messages[1]
            try await f.begin("Next", in: id, answer: "Whole.")
            let messages = try await f.page(id).messages
            for (message, code) in [
                (early, ChatError.Code.conflict), (messages[3], .conflict), (messages[0], .notFound),
            ] {
                await expectError(code, message.text) {
                    try await f.store.continueAnswer(
                        f.continuation(message), in: id, of: f.session, at: at(50))
                }
            }
            let unknown = Continuation(answer: .random(), version: 1, task: .random(), host: "x")
            await expectError(.notFound) {
                try await f.store.continueAnswer(unknown, in: id, of: f.session, at: at(50))
            }
            await expectError(.invalid) {
                try await f.store.continueAnswer(
                    f.continuation(early, version: early.version + 1), in: id, of: f.session, at: at(50))
            }
            #expect(try await f.page(id).messages == messages)
            let running = try await f.begin("Last", in: id)
            await expectError(.answerRunning) {
                try await f.store.continueAnswer(
                    f.continuation(running.answer), in: id, of: f.session, at: at(51))
            }
        },
        Clause("of many continuations at once one starts") { f in
            let id = try await f.conversation()
            try await f.cutOff("Half", in: id)
            let answer = try await f.page(id).messages[1]
            let turns = try await (0..<8).map { _ in f.continuation(answer) }.concurrentMap { index, asked in
                try await persist {
                    try await f.task(index).continueAnswer(asked, in: id, of: f.session, at: at(40))
                }
            }
            #expect(turns.filter { !$0.isRepeated }.count == 1)
            #expect(Set(turns.map(\.answer)).count == 1)
        },
    ]
}

extension StoreFixture {
    /// Begins a turn whose answer fails after `text`.
    @discardableResult
    func cutOff(_ text: String, in conversation: ConversationID, usage: Message.Usage? = nil) async throws
        -> Turn
    {
        let turn = try await begin(in: conversation)
        let end = AnswerEnd(
            state: .failed, stopReason: "error", failure: Message.Failure(code: "cut_off", message: "Sorry."),
            usage: usage)
        _ = try await store.finish(
            place(turn.answer.id, conversation), with: part(0, text), end: end, at: at(30))
        return turn
    }

    func continuation(_ answer: Message, version: Int? = nil) -> Continuation {
        Continuation(
            answer: answer.id, version: version ?? answer.version, task: owner.task, host: owner.host)
    }

    /// Lets the last answer go on.
    @discardableResult
    func goOn(in conversation: ConversationID) async throws -> Turn {
        let answer = try #require(try await page(conversation).messages.last)
        return try await store.continueAnswer(
            continuation(answer), in: conversation, of: session, at: at(40))
    }
}
