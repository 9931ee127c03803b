import ChatCore
import Testing

extension SessionStoreSuite {
    static let reasoningClauses: [Clause] = [
        Clause("reasoning is kept apart from the text, while the answer runs and after it") { f in
            let id = try await f.conversation()
            let place = f.place(try await f.begin(in: id).answer.id, id)
            for (offset, said) in [
                (0, Utterance(reasoning: "Hm")), (2, Utterance(reasoning: "ö. ", text: "Ja")), (8, "!"),
            ] {
                _ = try await f.store.append(f.part(offset, said), to: place)
            }
            let running = try await f.page(id).messages[1]
            #expect(running.said == Utterance(reasoning: "Hmö. ", text: "Ja!"))
            #expect(try await f.cursor(id)?.offset == 9, "cursors count both")
            let end = AnswerEnd(state: .stopped)
            for _ in 0..<2 {
                let ended = try await f.store.finish(place, with: f.part(9, "!"), end: end, at: at(30))
                #expect(ended.said == Utterance(reasoning: "Hmö. ", text: "Ja!!"))
            }
            #expect(try await f.page(id).messages[1].said == Utterance(reasoning: "Hmö. ", text: "Ja!!"))
            #expect(try await f.page(id).messages[0].reasoning.isEmpty)
        },
        Clause("a part with reasoning that is stored already adds only the rest") { f in
            let id = try await f.conversation()
            let place = f.place(try await f.begin(in: id).answer.id, id)
            for (offset, said) in [
                (0, Utterance(reasoning: "ab")), (0, Utterance(reasoning: "ab")),
                (0, Utterance(reasoning: "abc", text: "d")), (1, Utterance(reasoning: "bc", text: "de")),
            ] {
                _ = try await f.other.append(f.part(offset, said), to: place)
            }
            #expect(try await f.page(id).messages[1].said == Utterance(reasoning: "abc", text: "de"))
            for (offset, said) in [
                (5, Utterance(reasoning: "late")), (0, Utterance(reasoning: "ab", text: "c")),
                (2, Utterance(text: "c")), (3, Utterance(reasoning: "d")),
            ] {
                await expectError(.invalid, "\(said) at \(offset)") {
                    try await f.store.append(f.part(offset, said), to: place)
                }
            }
            #expect(try await f.page(id).messages[1].said == Utterance(reasoning: "abc", text: "de"))
        },
        Clause("who follows an answer is told of its reasoning from any offset") { f in
            let id = try await f.conversation()
            let turn = try await f.begin(in: id)
            let whole = Utterance(reasoning: "hmö", text: "Ja")
            _ = try await f.store.append(f.part(0, whole), to: f.place(turn.answer.id, id))
            for offset in [0, 1, 2, 4, 5] {
                let seen = Cursor(version: turn.conversation.version, offset: offset)
                let growth = try await f.changes(id, since: seen)?.growth
                #expect(growth?.offset == offset && growth?.said == whole.dropFirst(offset))
                #expect(growth?.end == whole.bytes)
            }
            let inside = Cursor(version: turn.conversation.version, offset: 3)
            #expect(try await f.changes(id, since: inside)?.growth == nil)
            let all = Cursor(version: turn.conversation.version, offset: whole.bytes)
            #expect(try await f.changes(id, since: all) == nil)
        },
        Clause("an answer that was cut off while it thought, or after, goes on from there") { f in
            let id = try await f.conversation()
            let place = f.place(try await f.begin(in: id).answer.id, id)
            let cut = AnswerEnd(state: .interrupted)
            var answer = try await f.store.finish(
                place, with: f.part(0, Utterance(reasoning: "ab")), end: cut, at: at(30))
            for (offset, said, whole) in [
                (2, Utterance(reasoning: "c", text: "d"), Utterance(reasoning: "abc", text: "d")),
                (4, Utterance(text: "e"), Utterance(reasoning: "abc", text: "de")),
            ] {
                let turn = try await f.store.continueAnswer(
                    Continuation(
                        answer: answer.id, version: answer.version, task: f.owner.task, host: "here"),
                    in: id, of: f.session, at: at(40))
                #expect(turn.answer.said == answer.said)
                guard let owner = turn.answer.owner else { return }
                let part = AnswerPart(owner: owner, offset: offset, said: said)
                _ = try await f.store.append(part, to: place)
                answer = try await f.store.finish(
                    place,
                    with: AnswerPart(owner: owner, offset: whole.bytes, text: ""), end: cut, at: at(50))
                #expect(answer.said == whole)
                #expect(try await f.page(id).messages[1].said == whole)
            }
            _ = try await f.store.resetConversation(id, of: f.session, at: at(60))
            #expect(try await f.page(id).messages.isEmpty)
        },
        Clause("no history that a model is asked with counts reasoning as text") { f in
            let id = try await f.conversation()
            let turn = try await f.begin(in: id)
            let said = Utterance(reasoning: String(repeating: "hm", count: 500), text: "Ja")
            _ = try await f.store.finish(
                f.place(turn.answer.id, id), with: f.part(0, said), end: AnswerEnd(state: .complete),
                at: at(30))
            let next = try await f.begin("And?", in: id)
            let history = try await f.store.history(
                endingWith: next.prompt.id, in: id, of: f.session, bytesMax: 100)
            #expect(history.map(\.text) == ["Hello?", "Ja", "And?"])
            let prompt = ModelPrompt(
                history: history, systemPrompt: nil,
                model: ModelDescriptor(id: "m", label: "m", provider: "test"))
            #expect(prompt.messages.map(\.text) == ["Hello?", "Ja", "And?"])
        },
    ]
}
