import ChatCore
import Testing

extension SessionStoreSuite {
    static let alternativeClauses: [Clause] = [
        Clause("an answer that is asked for again takes the place of the earlier one, which stays readable") {
            f in
            let id = try await f.conversation()
            let turn = try await f.begin("Hi", in: id, answer: "one")
            let retry = try f.newRetry(of: turn.answer.id)
            let again = try await f.store.retryAnswer(retry, in: id, of: f.session, at: at(30))
            #expect(!again.isRepeated && again.prompt == turn.prompt)
            #expect(again.answer.id == retry.answerID && again.answer.prompt == turn.prompt.id)
            #expect(again.answer.state == .running && again.answer.text.isEmpty)
            #expect(again.answer.position == 3 && again.answer.version == 5)
            #expect(again.answer.alternatives == [turn.answer.id, retry.answerID])
            #expect(again.conversation.messageCount == 3 && again.conversation.version == 5)
            #expect(again.conversation.runningAnswer == retry.answerID)
            let page = try await f.page(id)
            #expect(page.messages == [turn.prompt, again.answer] && page.earlier == nil)
            let place = f.place(retry.answerID, id)
            _ = try await f.store.append(f.part(0, "tw"), to: place)
            let end = AnswerEnd(state: .complete)
            let ended = try await f.store.finish(place, with: f.part(2, "o"), end: end, at: at(31))
            #expect(ended.alternatives == again.answer.alternatives && ended.text == "two")
            let third = try await f.retry(turn.prompt.id, in: id, answer: "three")
            #expect(third.alternatives == [turn.answer.id, retry.answerID, third.id])
            #expect(try await f.page(id).messages == [turn.prompt, third])
        },
        Clause(
            "the same retry again is the same answer, while it runs, after its end, and when another is shown"
        ) { f in
            let id = try await f.conversation()
            let turn = try await f.begin("Hi", in: id, answer: "one")
            let retry = try f.newRetry(of: turn.answer.id)
            let first = try await f.store.retryAnswer(retry, in: id, of: f.session, at: at(30))
            let again = try await f.other.retryAnswer(retry, in: id, of: f.session, at: at(31))
            #expect(again.isRepeated && again.answer == first.answer && again.prompt == first.prompt)
            #expect(again.conversation == first.conversation)
            let end = AnswerEnd(state: .complete)
            let place = f.place(retry.answerID, id)
            let ended = try await f.store.finish(place, with: f.part(0, "two"), end: end, at: at(32))
            try await f.show(turn.answer.id, in: id)
            let late = try await f.other.retryAnswer(retry, in: id, of: f.session, at: at(33))
            #expect(late.isRepeated && late.answer == ended)
            #expect(try await f.page(id).messages.map(\.text) == ["Hi", "one"])
            #expect(try await f.page(id).conversation.messageCount == 3)
        },
        Clause("an edited prompt takes the place of the earlier one and of what follows it") { f in
            let id = try await f.conversation()
            try await f.begin("1", in: id, answer: "a")
            let second = try await f.begin("2", in: id, answer: "b")
            try await f.begin("3", in: id, answer: "c")
            let edited = try await f.begin("2 again", in: id, replacing: second.prompt.id, answer: "B")
            #expect(edited.prompt.alternatives == [second.prompt.id, edited.prompt.id])
            #expect(edited.answer.alternatives.isEmpty)
            #expect(try await f.page(id).messages.map(\.text) == ["1", "a", "2 again", "B"])
            try await f.begin("4", in: id, answer: "d")
            #expect(try await f.page(id).messages.map(\.text) == ["1", "a", "2 again", "B", "4", "d"])
            #expect(try await f.page(id).conversation.messageCount == 10)
            try await f.begin("0", in: id, replacing: try await f.page(id).messages[0].id, answer: "z")
            #expect(try await f.page(id).messages.map(\.text) == ["0", "z"])
        },
        Clause("an alternative that is shown brings back what was last said after it") { f in
            let id = try await f.conversation()
            try await f.begin("1", in: id, answer: "a")
            let second = try await f.begin("2", in: id, answer: "b")
            try await f.begin("3", in: id, answer: "c")
            let edited = try await f.begin("2!", in: id, replacing: second.prompt.id, answer: "B")
            let before = try await f.page(id)
            let shown = try await f.show(second.prompt.id, in: id, time: 60)
            #expect(shown.version == before.conversation.version + 1 && shown.updated == at(60))
            #expect(shown.messageCount == 8)
            let page = try await f.page(id)
            #expect(page.messages.map(\.text) == ["1", "a", "2", "b", "3", "c"])
            #expect(page.messages[2].alternatives == [second.prompt.id, edited.prompt.id])
            #expect(page.messages[2].version == second.prompt.version, "nothing is rewritten")
            #expect(try await f.show(second.answer.id, in: id, time: 61) == shown, "it is shown already")
            try await f.begin("4", in: id, answer: "d")
            #expect(try await f.page(id).messages.map(\.text) == ["1", "a", "2", "b", "3", "c", "4", "d"])
            try await f.show(edited.answer.id, in: id)
            #expect(try await f.page(id).messages == before.messages)
            try await f.show(second.prompt.id, in: id)
            #expect(try await f.page(id).messages.last?.text == "d")
            await expectError(.notFound) { try await f.show(.random(), in: id) }
        },
        Clause("pages, the history and the place of a new turn follow what is shown") { f in
            let id = try await f.conversation()
            for number in 1...3 { try await f.begin("\(number)", in: id, answer: "a\(number)") }
            let third = try await f.page(id).messages[4]
            try await f.begin("3!", in: id, replacing: third.id, answer: "A3")
            try await f.begin("4", in: id, answer: "a4")
            let texts = ["1", "a1", "2", "a2", "3!", "A3", "4", "a4"]
            for limit in 1...9 {
                var seen = [String]()
                var place: Int?
                repeat {
                    let page = try await f.page(id, before: place, limit: limit)
                    seen = page.messages.map(\.text) + seen
                    place = page.earlier
                } while place != nil
                #expect(seen == texts, "limit \(limit)")
            }
            let last = try await f.page(id).messages[6]
            for (bytes, count) in [(0, 1), (4, 2), (5, 3), (6, 3), (8, 5), (10, 6), (1_000, 7)] {
                let history = try await f.other.history(
                    endingWith: last.id, in: id, of: f.session, bytesMax: bytes)
                #expect(
                    history.map(\.text) == Array(texts.prefix(7).suffix(count)), "\(bytes) bytes")
            }
            let hidden = try await f.other.history(
                endingWith: third.id, in: id, of: f.session, bytesMax: 1_000)
            #expect(hidden.map(\.text) == ["1", "a1", "2", "a2", "3"])
        },
        Clause("a reader is told what is void and what is shown instead, in one step") { f in
            let id = try await f.conversation()
            try await f.begin("1", in: id, answer: "a")
            let second = try await f.begin("2", in: id, answer: "b")
            let seen = try await f.page(id).cursor
            let edited = try await f.begin("2!", in: id, replacing: second.prompt.id)
            _ = try await f.store.append(f.part(0, "B"), to: f.place(edited.answer.id, id))
            let changes = try #require(try await f.changes(id, since: seen))
            #expect(!changes.isReset && changes.droppedAfter == 2 && changes.growth == nil)
            #expect(changes.messages == Array(try await f.page(id).messages.suffix(2)))
            #expect(changes.messages.map(\.text) == ["2!", "B"])
            #expect(changes.cursor == Cursor(version: 9, offset: 1))
            #expect(try await f.changes(id, since: changes.cursor) == nil)
            let end = AnswerEnd(state: .complete)
            _ = try await f.store.finish(
                f.place(edited.answer.id, id), with: f.part(1, ""), end: end, at: at(40))
            let ended = try #require(try await f.changes(id, since: changes.cursor))
            #expect(ended.droppedAfter == nil && ended.messages.map(\.text) == ["B"])
            try await f.show(second.prompt.id, in: id)
            let back = try #require(try await f.changes(id, since: ended.cursor))
            #expect(back.droppedAfter == 2 && back.messages.map(\.text) == ["2", "b"])
            let page = try #require(try await f.changes(id, since: ended.cursor, limit: 1))
            #expect(page.isReset && page.droppedAfter == nil && page.messages.map(\.text) == ["b"])
            #expect(page.earlier == 4 && page.cursor == back.cursor)
        },
        Clause("nothing is shown, edited or asked again while an answer runs") { f in
            let id = try await f.conversation()
            let turn = try await f.begin("1", in: id, answer: "a")
            let other = try await f.retry(turn.answer.id, in: id, answer: "b")
            let running = try await f.retry(turn.answer.id, in: id)
            let before = try await f.page(id)
            await expectError(.answerRunning) { try await f.show(other.id, in: id) }
            await expectError(.answerRunning) { try await f.retry(other.id, in: id) }
            await expectError(.answerRunning) {
                try await f.begin("1!", in: id, replacing: turn.prompt.id)
            }
            #expect(try await f.show(running.answer.id, in: id) == before.conversation)
            #expect(try await f.page(id) == before)
        },
        Clause("what is not there, or no prompt, is not replaced; ids of others are taken") { f in
            let id = try await f.conversation()
            let turn = try await f.begin("1", in: id, answer: "a")
            let next = try await f.begin("2", in: id, answer: "b")
            let before = try await f.page(id)
            for id2 in [MessageID.random(), turn.answer.id] {
                await expectError(.notFound) { try await f.begin("x", in: id, replacing: id2) }
            }
            await expectError(.notFound) { try await f.retry(.random(), in: id) }
            for taken in [next.answer.id, turn.prompt.id] {
                await expectError(.idTaken) {
                    try await f.store.retryAnswer(
                        try f.newRetry(of: turn.answer.id, as: taken), in: id, of: f.session, at: at(50))
                }
            }
            #expect(try await f.page(id) == before)
        },
        Clause("a shown answer that was cut off goes on; a hidden one does not") { f in
            let id = try await f.conversation()
            let turn = try await f.cutOff("Half", in: id)
            try await f.retry(turn.answer.id, in: id, answer: "Whole.")
            let hidden = f.continuation(turn.answer, version: 4)
            await expectError(.conflict) {
                try await f.store.continueAnswer(hidden, in: id, of: f.session, at: at(50))
            }
            try await f.show(turn.answer.id, in: id)
            let on = try await f.store.continueAnswer(hidden, in: id, of: f.session, at: at(51))
            #expect(on.answer.state == .running && on.answer.alternatives.count == 2)
            #expect(try await f.page(id).messages.last == on.answer)
        },
        Clause("a reset forgets all alternatives") { f in
            let id = try await f.conversation()
            let turn = try await f.begin("1", in: id, answer: "a")
            try await f.retry(turn.answer.id, in: id, answer: "b")
            _ = try await f.store.resetConversation(id, of: f.session, at: at(50))
            let fresh = try await f.begin("2", in: id, answer: "c")
            #expect(fresh.prompt.position == 4)
            #expect(try await f.page(id).messages.map(\.text) == ["2", "c"])
            try await f.begin("2!", in: id, replacing: fresh.prompt.id, answer: "C")
            #expect(try await f.page(id).messages.map(\.text) == ["2!", "C"])
            try await f.show(fresh.answer.id, in: id)
            #expect(try await f.page(id).messages.map(\.alternatives.count) == [2, 0])
            try await f.store.deleteConversation(id, of: f.session)
        },
    ]
}

extension StoreFixture {
    func newRetry(of message: MessageID, as answer: MessageID = .random()) throws -> Retry {
        try Retry(of: message, answerID: answer, model: "demo", owner: owner)
    }

    /// Asks again.
    @discardableResult
    func retry(_ message: MessageID, in conversation: ConversationID) async throws -> Turn {
        try await store.retryAnswer(
            try newRetry(of: message), in: conversation, of: session, at: at(25))
    }

    /// Asks again, and ends the new answer.
    @discardableResult
    func retry(_ message: MessageID, in conversation: ConversationID, answer: String) async throws -> Message
    {
        let turn = try await retry(message, in: conversation)
        return try await store.finish(
            place(turn.answer.id, conversation), with: part(0, answer), end: AnswerEnd(state: .complete),
            at: at(26))
    }

    @discardableResult
    func show(_ message: MessageID, in conversation: ConversationID, time: Int64 = 27) async throws
        -> Conversation
    {
        try await other.updateConversation(
            conversation, of: session, with: try ConversationPatch(shown: message), at: at(time))
    }
}
