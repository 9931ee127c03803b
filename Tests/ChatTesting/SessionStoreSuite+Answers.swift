import ChatCore
import Testing

extension SessionStoreSuite {
    static let answerClauses: [Clause] = [
        Clause("an answer grows by its parts, and the version stays") { f in
            let id = try await f.conversation()
            let turn = try await f.begin(in: id)
            let place = f.place(turn.answer.id, id)
            for (offset, text) in [(0, "Yes"), (3, ", "), (5, ""), (5, "indeed: ä"), (15, "!")] {
                #expect(try await f.store.append(f.part(offset, text), to: place).isStopRequested == false)
            }
            let page = try await f.page(id)
            #expect(page.messages[1].text == "Yes, indeed: ä!")
            #expect(page.messages[1].state == .running && page.messages[1].version == 3)
            #expect(page.conversation == turn.conversation)
        },
        Clause("a part that is stored already changes nothing") { f in
            let id = try await f.conversation()
            let place = f.place(try await f.begin(in: id).answer.id, id)
            for (offset, text) in [
                (0, "Yes"), (0, "Yes"), (3, "!"), (3, "!"), (0, "Yes"), (1, "es!"), (4, ""),
            ] {
                _ = try await f.other.append(f.part(offset, text), to: place)
            }
            #expect(try await f.page(id).messages[1].text == "Yes!")
        },
        Clause("of a part whose beginning is stored only the rest is appended") { f in
            let id = try await f.conversation()
            let place = f.place(try await f.begin(in: id).answer.id, id)
            for (offset, text) in [(0, "Ja"), (0, "Jaä"), (1, "aä😀!")] {
                _ = try await f.other.append(f.part(offset, text), to: place)
            }
            #expect(try await f.page(id).messages[1].text == "Jaä😀!")
            let end = AnswerEnd(state: .complete)
            for _ in 0..<2 {
                let ended = try await f.store.finish(place, with: f.part(4, "😀!!"), end: end, at: at(30))
                #expect(ended.text == "Jaä😀!!")
            }
        },
        Clause("a part that leaves a gap or disagrees is invalid and changes nothing") { f in
            let id = try await f.conversation()
            let place = f.place(try await f.begin(in: id).answer.id, id)
            _ = try await f.store.append(f.part(0, "Yes"), to: place)
            for (offset, text) in [
                (4, "!"), (4, ""), (0, "No"), (2, "x"), (1, "eS, but"), (0, "yes!"), (-1, "x"), (.max, "x"),
            ] {
                await expectError(.invalid, "\(offset) \(text)") {
                    try await f.store.append(f.part(offset, text), to: place)
                }
                await expectError(.invalid, "\(offset) \(text)") {
                    try await f.store.finish(
                        place, with: f.part(offset, text), end: AnswerEnd(state: .complete), at: at(30))
                }
            }
            let page = try await f.page(id)
            #expect(page.messages[1].text == "Yes" && page.messages[1].state == .running)
        },
        Clause("only the owner's task and epoch may write; the host's name does not count") { f in
            let id = try await f.conversation()
            let place = f.place(try await f.begin(in: id).answer.id, id)
            let task = AnswerOwner(task: .random(), host: "here", epoch: 1)
            let epoch = AnswerOwner(task: f.owner.task, host: "here", epoch: 2)
            for wrong in [task, epoch] {
                await expectError(.fenced) { try await f.store.append(f.part(0, "x", by: wrong), to: place) }
                await expectError(.fenced) {
                    try await f.store.finish(
                        place, with: f.part(0, "x", by: wrong), end: AnswerEnd(state: .complete), at: at(30))
                }
                #expect(try await f.store.interrupt(place, ownedBy: wrong, at: at(30)) == false)
            }
            let moved = AnswerOwner(task: f.owner.task, host: "there", epoch: 1)
            _ = try await f.store.append(f.part(0, "ok", by: moved), to: place)
            #expect(try await f.page(id).messages[1].text == "ok")
            let nobody = f.place(.random(), id)
            await expectError(.fenced) { try await f.store.append(f.part(0, "x"), to: nobody) }
            #expect(try await f.store.interrupt(nobody, ownedBy: f.owner, at: at(30)) == false)
            let prompt = f.place(try await f.page(id).messages[0].id, id)
            await expectError(.fenced) { try await f.store.append(f.part(6, "x"), to: prompt) }
        },
        Clause("finishing adds the last text and how it ended; the version grows by one") { f in
            let id = try await f.conversation()
            let turn = try await f.begin(in: id)
            let place = f.place(turn.answer.id, id)
            _ = try await f.store.append(f.part(0, "Half"), to: place)
            let end = AnswerEnd(
                state: .failed, stopReason: "length",
                failure: Message.Failure(code: "cut_off", message: "Sorry."),
                usage: Message.Usage(inputTokens: 3, outputTokens: 4))
            let ended = try await f.store.finish(place, with: f.part(4, " way"), end: end, at: at(30))
            #expect(ended.text == "Half way" && ended.state == .failed && ended.stopReason == "length")
            #expect(ended.failure == end.failure && ended.usage == end.usage)
            #expect(
                ended.version == 4 && ended.updated == at(30) && ended.created == at(20)
                    && ended.position == 2)
            let page = try await f.page(id)
            #expect(page.messages[1] == ended)
            #expect(page.conversation.version == 4 && page.conversation.runningAnswer == nil)
            #expect(page.conversation.updated == at(30) && page.conversation.messageCount == 2)
        },
        Clause("finishing again returns what is stored; finishing otherwise is fenced") { f in
            let id = try await f.conversation()
            let place = f.place(try await f.begin(in: id).answer.id, id)
            _ = try await f.store.append(f.part(0, "Half"), to: place)
            let end = AnswerEnd(state: .complete, stopReason: "stop")
            let ended = try await f.store.finish(place, with: f.part(4, "!"), end: end, at: at(30))
            #expect(try await f.other.finish(place, with: f.part(4, "!"), end: end, at: at(31)) == ended)
            let later = try await f.begin("next", in: id, answer: "ok")
            #expect(try await f.other.finish(place, with: f.part(4, "!"), end: end, at: at(31)) == ended)
            await expectError(.fenced) {
                try await f.store.finish(
                    place, with: f.part(4, "!"), end: AnswerEnd(state: .stopped), at: at(32))
            }
            await expectError(.fenced) {
                try await f.store.finish(place, with: f.part(4, "!?"), end: end, at: at(32))
            }
            await expectError(.fenced) { try await f.store.append(f.part(5, "x"), to: place) }
            await expectError(.fenced) { try await f.store.append(f.part(0, "Half"), to: place) }
            #expect(try await f.page(id).messages.map(\.text) == ["Hello?", "Half!", "next", "ok"])
            #expect(try await f.page(id).conversation.version == later.conversation.version + 1)
        },
        Clause("interrupting keeps the text, works once, and fences the owner") { f in
            let id = try await f.conversation()
            let place = f.place(try await f.begin(in: id).answer.id, id)
            _ = try await f.store.append(f.part(0, "Half"), to: place)
            #expect(try await f.other.interrupt(place, ownedBy: f.owner, at: at(30)))
            #expect(try await f.other.interrupt(place, ownedBy: f.owner, at: at(31)) == false)
            let page = try await f.page(id)
            #expect(page.messages[1].state == .interrupted && page.messages[1].text == "Half")
            #expect(page.messages[1].version == 4 && page.messages[1].updated == at(30))
            #expect(page.conversation.version == 4 && page.conversation.runningAnswer == nil)
            await expectError(.fenced) { try await f.store.append(f.part(4, "x"), to: place) }
            await expectError(.fenced) {
                try await f.store.finish(
                    place, with: f.part(4, "x"), end: AnswerEnd(state: .complete), at: at(32))
            }
            #expect(try await f.page(id) == page)
        },
        Clause("an answer that ended is not interrupted") { f in
            let id = try await f.conversation()
            let turn = try await f.begin(in: id, answer: "done")
            let before = try await f.page(id)
            #expect(
                try await f.store.interrupt(f.place(turn.answer.id, id), ownedBy: f.owner, at: at(31))
                    == false)
            #expect(try await f.page(id) == before)
        },
    ]
}
