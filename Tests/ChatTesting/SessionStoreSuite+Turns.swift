import ChatCore
import Testing

extension SessionStoreSuite {
    static let turnClauses: [Clause] = [
        Clause("beginning a turn stores the prompt as complete and its answer as running") { f in
            let id = try await f.conversation()
            let new = try f.turn("What is\nthis?")
            let turn = try await f.store.beginTurn(new, in: id, of: f.session, at: at(20))
            let prompt = Message(
                id: new.promptID, role: .user, position: 1, text: "What is\nthis?", state: .complete,
                created: at(20),
                updated: at(20), version: 2)
            let answer = Message(
                id: new.answerID, role: .assistant, position: 2, text: "", state: .running, model: "demo",
                prompt: new.promptID, owner: f.owner, created: at(20), updated: at(20), version: 3)
            #expect(turn.prompt == prompt)
            #expect(turn.answer == answer)
            #expect(turn.isRepeated == false)
            #expect(turn.conversation.version == 3 && turn.conversation.messageCount == 2)
            #expect(turn.conversation.runningAnswer == new.answerID && turn.conversation.updated == at(20))
            #expect(turn.conversation.title == "What is")
            let page = try await f.page(id)
            #expect(page.messages == [prompt, answer])
            #expect(page.conversation == turn.conversation)
        },
        Clause("a title that is there stays") { f in
            let id = try await f.conversation("Mine")
            #expect(try await f.begin(in: id).conversation.title == "Mine")
        },
        Clause("the same prompt again is the same turn, while it runs and after its end") { f in
            let id = try await f.conversation()
            let new = try f.turn("Once")
            let first = try await f.store.beginTurn(new, in: id, of: f.session, at: at(20))
            let retry = try NewTurn(
                promptID: new.promptID, text: "Once", model: "other",
                owner: AnswerOwner(task: .random(), host: "there", epoch: 9))
            let repeated = try await f.other.beginTurn(retry, in: id, of: f.session, at: at(21))
            #expect(repeated.isRepeated && repeated.prompt == first.prompt && repeated.answer == first.answer)
            #expect(repeated.conversation == first.conversation)
            let ended = try await f.store.finish(
                f.place(first.answer.id, id), with: f.part(0, "Yes."), end: AnswerEnd(state: .complete),
                at: at(22))
            let after = try await f.other.beginTurn(retry, in: id, of: f.session, at: at(23))
            #expect(after.isRepeated && after.answer == ended && after.conversation.version == 4)
            try await f.begin("Next", in: id)
            #expect(try await f.other.beginTurn(retry, in: id, of: f.session, at: at(24)).answer == ended)
            #expect(try await f.page(id).messages.count == 4)
        },
        Clause("an id that another message has is taken") { f in
            let id = try await f.conversation()
            let turn = try await f.begin("Once", in: id, answer: "Yes.")
            let before = try await f.page(id)
            let other = try f.turn("Otherwise", id: turn.prompt.id)
            await expectError(.idTaken) {
                try await f.store.beginTurn(other, in: id, of: f.session, at: at(30))
            }
            let answer = try f.turn("Once", id: turn.answer.id)
            await expectError(.idTaken) {
                try await f.store.beginTurn(answer, in: id, of: f.session, at: at(30))
            }
            let clash = try NewTurn(
                promptID: .random(), text: "x", model: "demo", answerID: turn.prompt.id, owner: f.owner)
            await expectError(.idTaken) {
                try await f.store.beginTurn(clash, in: id, of: f.session, at: at(30))
            }
            #expect(try await f.page(id) == before)
        },
        Clause("a second turn waits for the end of the first, and nothing is changed") { f in
            let id = try await f.conversation()
            let turn = try await f.begin(in: id)
            let before = try await f.page(id)
            await expectError(.answerRunning) { try await f.begin("Me too", in: id) }
            #expect(try await f.page(id) == before)
            let elsewhere = try await f.conversation()
            #expect(try await f.begin(in: elsewhere).isRepeated == false)
            #expect(try await f.store.interrupt(f.place(turn.answer.id, id), ownedBy: f.owner, at: at(30)))
            #expect(try await f.begin("Me too", in: id).prompt.position == 3)
        },
        Clause(
            "stopping names the running answer; its owner learns it with the next append, the next turn not"
        ) { f in
            let id = try await f.conversation()
            #expect(try await f.other.requestStop(nil, in: id, of: f.session) == nil)
            let turn = try await f.begin(in: id)
            let place = f.place(turn.answer.id, id)
            let answer = turn.answer.id
            #expect(try await f.other.requestStop(turn.prompt.id, in: id, of: f.session) == nil)
            #expect(try await f.store.append(f.part(0, "a"), to: place).isStopRequested == false)
            for meant in [answer, nil] {
                #expect(try await f.other.requestStop(meant, in: id, of: f.session) == answer)
            }
            #expect(try await f.store.append(f.part(1, "b"), to: place).isStopRequested)
            #expect(try await f.store.append(f.part(2, ""), to: place).isStopRequested)
            _ = try await f.store.finish(
                place, with: f.part(2, ""), end: AnswerEnd(state: .stopped), at: at(40))
            #expect(try await f.other.requestStop(nil, in: id, of: f.session) == nil)
            let next = try await f.begin("next", in: id)
            #expect(try await f.other.requestStop(answer, in: id, of: f.session) == nil)
            #expect(
                try await f.store.append(f.part(0, "c"), to: f.place(next.answer.id, id)).isStopRequested
                    == false)
            #expect(try await f.page(id).messages.map(\.text) == ["Hello?", "ab", "next", "c"])
        },
        Clause("history ends with the prompt and holds as many of the newest as fit") { f in
            let id = try await f.conversation()
            try await f.begin("12345", in: id, answer: "1234")
            let turn = try await f.begin("123", in: id, answer: "12")
            try await f.begin("later", in: id)
            let prompt = turn.prompt.id
            for (bytes, count) in [(0, 1), (3, 1), (6, 1), (7, 2), (11, 2), (12, 3), (1_000, 3), (.max, 3)] {
                let history = try await f.other.history(
                    endingWith: prompt, in: id, of: f.session, bytesMax: bytes)
                #expect(
                    history.map(\.text) == Array(["12345", "1234", "123"].suffix(count)), "\(bytes) bytes")
                #expect(history.last == turn.prompt)
            }
            await expectError(.notFound) {
                try await f.store.history(endingWith: .random(), in: id, of: f.session, bytesMax: 100)
            }
        },
        Clause("history counts bytes, not characters, and keeps failed and interrupted answers") { f in
            let id = try await f.conversation()
            let first = try await f.begin("äöü", in: id)
            _ = try await f.store.append(f.part(0, "par"), to: f.place(first.answer.id, id))
            #expect(try await f.store.interrupt(f.place(first.answer.id, id), ownedBy: f.owner, at: at(30)))
            let prompt = try await f.begin("?", in: id).prompt.id
            for (bytes, count) in [(9, 2), (10, 3)] {
                let history = try await f.store.history(
                    endingWith: prompt, in: id, of: f.session, bytesMax: bytes)
                #expect(history.map(\.text) == Array(["äöü", "par", "?"].suffix(count)), "\(bytes) bytes")
            }
        },
    ]
}
