import ChatCore
import Testing

/// Every order in which a model, a store, readers and the clock can talk to the machine, up to a length: not
/// some orders, as a random test has, but all. Situations that are equal are looked at once.
@Suite("Turn machine, all interleavings")
struct TurnMachineInterleavingTests {
    private static let stepsMax = 8
    private static let owner = AnswerOwner(task: .make(host: "h"), host: "h", epoch: 1)
    private static let stored: Message = {
        let now = Timestamp(milliseconds: 0)
        return Message(
            id: .random(), role: .assistant, position: 2, text: "", state: .complete, created: now,
            updated: now, version: 4)
    }()

    /// Something that may happen, as the world sees it.
    private enum Step: Hashable, CaseIterable {
        case thought, shortDelta, longDelta, modelFinished, modelFailed, stop, leave, flushDue
        /// The call under way succeeds; the second one brings word that somebody asked to stop.
        case replied, repliedWithStop
        /// It fails before it reached the store, or only its reply is lost.
        case callLost, replyLost
        case fenced
    }

    /// What is true outside the machine. Text is the alphabet over and over, so its length says all of it.
    private struct World: Hashable {
        var machine: TurnMachine
        /// How much the model has said, readers were shown, and the store has.
        var said: Int
        var shown: Int
        var kept: Int
        /// How much of what the model said is reasoning.
        var thought = 0
        /// Where each thing the model said ends, and how often it was flushDue since.
        var sayings: [Saying] = []
        var call: TurnMachine.Action?
        var isModelOver = false
        var end: Message.State?
        var cancellations = 0
        var conclusions = 0
        var isLost = false
        /// How the store was told that the answer ended.
        var storedEnd: Message.State?

        /// Bytes in the machine that the store has not.
        var waiting: Int { said - kept }
        /// How often it was flushDue since the oldest of them was said.
        var flushesSinceOldest: Int { sayings.first { $0.end > kept }?.flushes ?? 0 }
    }

    private struct Saying: Hashable {
        let end: Int
        var flushes = 0
    }

    private static let letters = Array(
        String(repeating: "abcdefghijklmnopqrstuvwxyz", count: stepsMax * Limits.flushBytes / 26 + 2).utf8)

    private static func text(_ range: Range<Int>) -> String {
        let start = range.lowerBound % 26
        return String(decoding: letters[start..<start + range.count], as: UTF8.self)
    }

    private static func isPossible(_ step: Step, _ world: World) -> Bool {
        switch step {
        // A model that was cancelled may still say something and end, once.
        case .shortDelta, .longDelta, .modelFinished, .modelFailed: !world.isModelOver
        case .thought: !world.isModelOver && world.thought < 2
        case .stop, .leave, .flushDue: true
        case .replied, .callLost, .replyLost, .fenced: world.call != nil
        case .repliedWithStop: if case .append = world.call { true } else { false }
        }
    }

    /// - Returns: what is wrong; nil when the machine does what it promises.
    private static func take(_ step: Step, _ world: inout World) -> String? {
        let isOver = world.machine.isOver
        let event = event(step, &world)
        let actions = world.machine.handle(event)
        if isOver, !actions.isEmpty { return "something after the conclusion" }
        for action in actions {
            if let fault = perform(action, &world) { return fault }
        }
        world.sayings.removeAll { $0.end <= world.kept }
        if !world.machine.isOver, world.call == nil, world.waiting == 0, world.shown < world.said,
            step == .replied || step == .repliedWithStop
        {
            return "all is stored, and not all is shown"
        }
        if world.conclusions > 1 { return "two conclusions" }
        if world.cancellations > 1 { return "the model is cancelled twice" }
        if world.machine.isOver != (world.conclusions == 1) { return "over without a conclusion" }
        if !world.machine.isOver, world.call == nil, world.end == nil, world.waiting >= Limits.flushBytes,
            step != .callLost, step != .replyLost
        {
            return "much text waits and nothing is stored"
        }
        return nil
    }

    private static func event(_ step: Step, _ world: inout World) -> TurnMachine.Event {
        func note(_ end: Message.State) { world.end = world.end ?? end }
        let call = world.call
        switch step {
        case .thought:
            let thought = text(world.said..<world.said + 1)
            // After the first word of the answer it is left out.
            if world.end == nil && !world.machine.isOver && world.said == world.thought {
                world.said += 1
                world.thought += 1
                world.sayings.append(Saying(end: world.said))
            }
            return .reasoning(thought)
        case .shortDelta, .longDelta:
            let end = world.said + (step == .shortDelta ? 1 : Limits.flushBytes)
            let delta = text(world.said..<end)
            if world.end == nil && !world.machine.isOver {
                world.said = min(end, Limits.answerBytesMax + world.thought)
                world.sayings.append(Saying(end: world.said))
                // What does not fit ends the answer without anybody asking.
                if end > Limits.answerBytesMax + world.thought { note(.complete) }
            }
            return .delta(delta)
        case .modelFinished:
            world.isModelOver = true
            note(.complete)
            return .modelFinished(ModelFinish(stopReason: "stop"))
        case .modelFailed:
            world.isModelOver = true
            note(.failed)
            return .modelFailed(Message.Failure(code: "timed_out", message: "The deadline ran out."))
        case .stop:
            note(.stopped)
            return .stop
        case .leave:
            note(.interrupted)
            return .leave
        case .flushDue:
            for index in world.sayings.indices {
                // More is all the same, and would only make more situations.
                world.sayings[index].flushes = min(
                    world.sayings[index].flushes + 1, Limits.unstoredFlushesMax)
            }
            return .flushDue
        case .replied, .repliedWithStop, .replyLost: store(call, &world)
        case .callLost, .fenced: break
        }
        world.call = nil
        if step == .fenced { return .fenced }
        if step == .callLost || step == .replyLost { return .storeFailed }
        if case .finish = call { return .finished(stored) }
        if step == .repliedWithStop { note(.stopped) }
        return .appended(AppendReceipt(isStopRequested: step == .repliedWithStop))
    }

    /// The store takes a part: what it has already, it does not take again.
    private static func store(_ call: TurnMachine.Action?, _ world: inout World) {
        switch call {
        case .append(let part): world.kept = max(world.kept, part.offset + part.said.bytes)
        case .finish(let part, let end):
            world.kept = max(world.kept, part.offset + part.said.bytes)
            world.storedEnd = end.state
        default: break
        }
    }

    private static func perform(_ action: TurnMachine.Action, _ world: inout World) -> String? {
        switch action {
        case .publish(let said):
            guard !said.isEmpty, isRight(said, at: world.shown, in: world) else {
                return "shown out of order"
            }
            // Of a reply that was lost the machine does not know: it may withhold for longer than it must.
            if world.flushesSinceOldest >= Limits.unstoredFlushesMax {
                return "shown, though the store is behind"
            }
            world.shown += said.bytes
            if world.shown > Limits.answerBytesMax + world.thought { return "shown past the limit" }
        case .append(let part), .finish(let part, _):
            if world.call != nil { return "two store calls at once" }
            let end = part.offset + part.said.bytes
            guard part.offset <= world.kept, end <= world.said, end >= world.kept,
                isRight(part.said, at: part.offset, in: world)
            else { return "a part leaves a gap, or is not what was said" }
            if case .finish(_, let how) = action {
                guard how.state == world.end else { return "the end is \(how.state), not the first one" }
                if end != world.said { return "the end leaves something behind" }
            } else if world.end != nil {
                return "an append after the end"
            }
            world.call = action
        case .cancelModel: world.cancellations += 1
        case .conclude(let conclusion):
            world.conclusions += 1
            if case .stored = conclusion {
                guard world.kept == world.said, world.shown == world.said, world.storedEnd != nil else {
                    return "stored, but not all"
                }
            } else {
                world.isLost = true
            }
        }
        return nil
    }

    /// Whether `said` is what the model said from `start` on, reasoning as reasoning.
    private static func isRight(_ said: Utterance, at start: Int, in world: World) -> Bool {
        let border = min(max(world.thought, start), start + said.bytes)
        return said.reasoning == text(start..<border) && said.text == text(border..<start + said.bytes)
    }

    /// Whatever happened, once an answer has ended and the store is well, it concludes soon.
    private static func concludes(_ world: World) -> Bool {
        var world = world
        for _ in 0..<4 where !world.machine.isOver {
            if take(world.call == nil ? .flushDue : .replied, &world) != nil { return false }
        }
        return world.machine.isOver
    }

    @Test(
        "whatever happens in whatever order, every promise of the machine holds",
        arguments: [0, Limits.answerBytesMax - Limits.flushBytes - 2])
    func everyInterleaving(storedBytes: Int) async {
        let start = World(
            machine: TurnMachine(owner: Self.owner, storedBytes: storedBytes), said: storedBytes,
            shown: storedBytes, kept: storedBytes)
        var known: Set<World> = [start]
        var front: [World] = [start]
        var transitions = 0
        for length in 1...Self.stepsMax {
            var next: [World] = []
            for world in front {
                // The tests beside this one wait for timers.
                await Task.yield()
                for step in Step.allCases where Self.isPossible(step, world) {
                    var changed = world
                    transitions += 1
                    if let fault = Self.take(step, &changed) {
                        Issue.record("after \(length) steps, the last one \(step): \(fault)")
                        return
                    }
                    guard known.insert(changed).inserted else { continue }
                    if changed.end != nil, !Self.concludes(changed) {
                        Issue.record("after \(length) steps, the last one \(step): it never concludes")
                        return
                    }
                    if !changed.machine.isOver { next.append(changed) }
                }
            }
            front = next
        }
        print("turn machine: \(known.count) situations, \(transitions) transitions")
        #expect(known.count > 5_000)
        #expect(known.contains { $0.isLost } && known.contains { $0.storedEnd == .interrupted })
    }
}
