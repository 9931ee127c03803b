import ChatCore
import ChatTesting
import Testing

@Suite("Turn machine")
struct TurnMachineTests {
    private let owner = AnswerOwner(task: .make(host: "h"), host: "h", epoch: 1)
    private let finish = ModelFinish(stopReason: "stop", usage: .init(inputTokens: 1, outputTokens: 2))

    private func part(_ offset: Int, _ text: String) -> AnswerPart {
        AnswerPart(owner: owner, offset: offset, text: text)
    }

    private func message(_ state: Message.State = .complete) -> Message {
        let now = Timestamp(milliseconds: 0)
        return Message(
            id: .random(), role: .assistant, position: 2, text: "", state: state, created: now, updated: now,
            version: 4)
    }

    @Test("text is shown at once and stored when it is due, one call at a time")
    func flushing() {
        var machine = TurnMachine(owner: owner)
        #expect(machine.handle(.delta("one ")) == [.publish("one ")])
        #expect(machine.handle(.flushDue) == [.append(part(0, "one "))])
        #expect(machine.handle(.delta("two")) == [.publish("two")])
        #expect(machine.handle(.flushDue) == [], "an append is under way")
        #expect(machine.handle(.appended(AppendReceipt(isStopRequested: false))) == [])
        #expect(machine.handle(.flushDue) == [.append(part(4, "two"))])
    }

    @Test("what the store is too slow for is withheld until it has caught up")
    func withholding() {
        var machine = TurnMachine(owner: owner)
        let receipt = AppendReceipt(isStopRequested: false)
        #expect(machine.handle(.delta("a")) == [.publish("a")])
        #expect(machine.handle(.flushDue) == [.append(part(0, "a"))])
        #expect(machine.handle(.delta("b")) == [.publish("b")], "a quarter of a second is no delay")
        #expect(machine.handle(.flushDue) == [])
        #expect(machine.handle(.delta("c")) == [], "half a second is")
        #expect(machine.handle(.appended(receipt)) == [.publish("c")], "b has waited for one flush only")
        #expect(machine.handle(.flushDue) == [.append(part(1, "bc"))])
        #expect(machine.handle(.delta("d")) == [])
        #expect(machine.handle(.modelFinished(finish)) == [])
        let end = AnswerEnd(state: .complete, stopReason: "stop", usage: finish.usage)
        #expect(machine.handle(.appended(receipt)) == [.publish("d"), .finish(part(3, "d"), end)])
    }

    @Test("much text is stored before it is due")
    func flushingBySize() {
        var machine = TurnMachine(owner: owner)
        let text = String(repeating: "x", count: Limits.flushBytes)
        #expect(machine.handle(.delta(text)) == [.publish(Utterance(text: text)), .append(part(0, text))])
    }

    @Test("an answer that says nothing still asks whether it should stop")
    func stopBeforeFirstToken() {
        var machine = TurnMachine(owner: owner)
        #expect(machine.handle(.flushDue) == [.append(part(0, ""))])
        #expect(
            machine.handle(.appended(AppendReceipt(isStopRequested: true)))
                == [.cancelModel, .finish(part(0, ""), AnswerEnd(state: .stopped))])
    }

    @Test("the end waits for the append under way and takes the rest along")
    func endWaitsForAppend() {
        var machine = TurnMachine(owner: owner)
        _ = machine.handle(.delta("a"))
        _ = machine.handle(.flushDue)
        _ = machine.handle(.delta("b"))
        #expect(machine.handle(.modelFinished(finish)) == [])
        let end = AnswerEnd(state: .complete, stopReason: "stop", usage: finish.usage)
        #expect(
            machine.handle(.appended(AppendReceipt(isStopRequested: false))) == [.finish(part(1, "b"), end)])
        let stored = message()
        #expect(machine.handle(.finished(stored)) == [.conclude(.stored(stored))])
        #expect(machine.isOver)
        #expect(machine.handle(.delta("late")) == [])
    }

    @Test("a failed append is sent again with what came since, at its old offset")
    func failedAppend() {
        var machine = TurnMachine(owner: owner)
        _ = machine.handle(.delta("a"))
        _ = machine.handle(.flushDue)
        _ = machine.handle(.delta("b"))
        #expect(machine.handle(.storeFailed) == [])
        #expect(machine.handle(.flushDue) == [.append(part(0, "ab"))])
    }

    @Test("the first end counts")
    func firstEndCounts() {
        var machine = TurnMachine(owner: owner)
        _ = machine.handle(.delta("a"))
        _ = machine.handle(.flushDue)
        #expect(machine.handle(.stop) == [.cancelModel])
        #expect(machine.handle(.modelFailed(.init(code: "cut_off", message: ""))) == [])
        #expect(machine.handle(.leave) == [])
        #expect(
            machine.handle(.appended(AppendReceipt(isStopRequested: false)))
                == [.finish(part(1, ""), AnswerEnd(state: .stopped))])
    }

    @Test("a fenced turn ends at once, whatever is under way", arguments: [true, false])
    func fenced(isEnding: Bool) {
        var machine = TurnMachine(owner: owner)
        _ = machine.handle(.delta("a"))
        if isEnding { _ = machine.handle(.modelFinished(finish)) } else { _ = machine.handle(.flushDue) }
        let lost = TurnMachine.Action.conclude(.lost)
        #expect(machine.handle(.fenced) == (isEnding ? [lost] : [.cancelModel, lost]))
        #expect(machine.isOver)
    }

    @Test("an end that cannot be stored is tried again, and given up after a bounded number of times")
    func givingUp() {
        var machine = TurnMachine(owner: owner)
        _ = machine.handle(.modelFinished(finish))
        for attempt in 1..<Limits.finishAttemptsMax {
            #expect(machine.handle(.storeFailed) == [], "attempt \(attempt)")
            #expect(machine.handle(.flushDue).count == 1)
        }
        #expect(machine.handle(.storeFailed) == [.conclude(.lost)])
    }

    @Test("an answer past its limit ends as complete, with all that fits kept")
    func tooLong() {
        var machine = TurnMachine(owner: owner, storedBytes: Limits.answerBytesMax - 1)
        let actions = machine.handle(.delta("xy"))
        #expect(actions.contains(.cancelModel))
        guard case .finish(let part, let end) = actions.last else {
            Issue.record("the answer does not end")
            return
        }
        #expect(end == AnswerEnd(state: .complete, stopReason: "length"))
        #expect(part.offset + part.text.utf8.count <= Limits.answerBytesMax)
    }

    @Test("reasoning is shown and stored before the answer, and left out after it began or past its limit")
    func reasoning() {
        var machine = TurnMachine(owner: owner)
        #expect(machine.handle(.reasoning("hm ")) == [.publish(Utterance(reasoning: "hm "))])
        let long = String(repeating: "x", count: Limits.reasoningBytesMax)
        #expect(machine.handle(.reasoning(long)) == [], "past the limit")
        #expect(machine.handle(.delta("Yes")) == [.publish("Yes")])
        #expect(machine.handle(.reasoning("but")) == [], "after the answer began")
        let said = Utterance(reasoning: "hm ", text: "Yes")
        #expect(
            machine.handle(.flushDue) == [.append(AnswerPart(owner: owner, offset: 0, said: said))])
        _ = machine.handle(.delta("!"))
        _ = machine.handle(.appended(AppendReceipt(isStopRequested: false)))
        #expect(machine.handle(.flushDue) == [.append(part(6, "!"))], "offsets count the reasoning too")
        var goingOn = TurnMachine(owner: owner, storedBytes: 1, storedReasoningBytes: 3)
        #expect(goingOn.handle(.reasoning("again")) == [])
        _ = goingOn.handle(.delta("b"))
        #expect(goingOn.handle(.flushDue) == [.append(part(4, "b"))])
    }

    @Test("in any order of events, what is stored is what was shown, once and in order", arguments: 0..<20)
    func randomInterleavings(run: Int) throws {
        var random = SeededGenerator.announced("turn machine \(run)")
        for _ in 0..<10 { try playRandomTurn(&random) }
    }

    /// Plays one turn against a conversation document whose replies get lost at random: the reference store.
    private func playRandomTurn(_ random: inout SeededGenerator) throws {
        let now = Timestamp(milliseconds: 0)
        var document = ConversationDocument(try NewConversation(id: .random()), at: now)
        let turn = try document.begin(
            NewTurn(promptID: .random(), text: "?", model: "m", owner: owner), at: now)
        var machine = TurnMachine(owner: owner)
        var shown = Utterance()
        var pending: [TurnMachine.Action] = []
        var conclusion: TurnMachine.Conclusion?
        func perform(_ actions: [TurnMachine.Action]) {
            for action in actions {
                switch action {
                case .publish(let said): shown.append(said)
                case .append, .finish: pending.append(action)
                case .cancelModel: break
                case .conclude(let how): conclusion = how
                }
            }
            #expect(pending.count <= 1, "one store call at a time")
        }
        for step in 0..<400 where conclusion == nil {
            switch Int.random(in: 0..<10, using: &random) {
            case 0 where step < 30: perform(machine.handle(.reasoning(["hm", "ö"][step % 2])))
            case 0..<4 where step > 20:
                perform(
                    machine.handle(
                        .delta(["a", "é", "🙂 ", "long text "].randomElement(using: &random) ?? "a")))
            case 4: perform(machine.handle(.flushDue))
            case 5 where step > 300: perform(machine.handle(.modelFinished(finish)))
            case 6 where step > 350:
                perform(machine.handle([.stop, .leave].randomElement(using: &random) ?? .stop))
            case 7 where step == 200 && Bool.random(using: &random): _ = document.requestStop(nil)
            default:
                guard let call = pending.popLast() else { continue }
                perform(machine.handle(reply(to: call, turn.answer.id, &document, &random)))
            }
        }
        guard case .stored(let message) = conclusion else { return }
        #expect(message.said == shown)
        #expect(message.state != .running)
    }

    private func reply(
        to call: TurnMachine.Action, _ answer: MessageID, _ document: inout ConversationDocument,
        _ random: inout SeededGenerator
    ) -> TurnMachine.Event {
        let fate = Int.random(in: 0..<4, using: &random)
        if fate == 0 { return .storeFailed }  // Lost on the way there.
        do {
            let event: TurnMachine.Event
            switch call {
            case .append(let part): event = .appended(try document.append(part, to: answer))
            case .finish(let part, let end):
                event = .finished(
                    try document.finish(answer, with: part, end: end, at: Timestamp(milliseconds: 1)))
            default: return .storeFailed
            }
            return fate == 1 ? .storeFailed : event  // Lost on the way back: it happened.
        } catch {
            Issue.record("the store refused \(call): \(error)")
            return .fenced
        }
    }
}
