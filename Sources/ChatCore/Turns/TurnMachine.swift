/// What happens to a running answer, as a value: events in, actions out. `TurnRunner` performs the actions.
///
/// | phase | event | next phase | actions |
/// | --- | --- | --- | --- |
/// | open | delta, reasoning | open | publish unless the store is behind; append ``Limits/flushBytes`` |
/// | open | reasoning after text, or past its limit | open | none: it is left out |
/// | open | delta past the limit | ending (complete, `length`) | publish what fits, cancelModel, *ending* |
/// | open | flushDue | open | append what waits, also nothing: its receipt tells of a stop asked elsewhere |
/// | open | model finished, failed | ending (complete, failed) | as *ending* |
/// | open | stop, or a receipt that says so | ending (stopped) | cancelModel, then as *ending* |
/// | open | leave | ending (interrupted) | cancelModel, then as *ending* |
/// | ending | (no store call under way) | ending | finish with all that waits |
/// | ending | delta, reasoning, model finished or failed, stop, leave | ending | none: the first end counts |
/// | open | appended | open | publish what was withheld |
/// | ending | finished | over | publish what was withheld, conclude (stored) |
/// | any | store call failed, may be repeated | same | none: the text waits on; flushDue tries again |
/// | ending | store call failed too often | over | conclude (lost) |
/// | open | fenced | over | cancelModel, conclude (lost): somebody else ended or removed the answer |
/// | ending | fenced | over | conclude (lost) |
/// | over | anything | over | none |
///
/// The store is behind when text has waited in vain for ``Limits/unstoredFlushesMax`` times flushDue. What
/// comes then is withheld until the store has caught up, for it could still be lost, and nobody shall have
/// read more than half a second of what is lost.
///
/// At most one store call is under way, so parts arrive in order; a failed part is sent again at its old
/// offset, which the store takes once.
package struct TurnMachine: Hashable, Sendable {
    /// What happened.
    package enum Event: Hashable, Sendable {
        /// The model said this; not empty.
        case delta(String)
        /// The model thought this aloud; not empty.
        case reasoning(String)
        /// The model ended.
        case modelFinished(ModelFinish)
        /// The model failed.
        case modelFailed(Message.Failure)
        /// A reader on this task asked to stop.
        case stop
        /// This task is leaving and waited long enough.
        case leave
        /// ``Limits/flushIntervalMilliseconds`` passed.
        case flushDue
        /// The append under way is stored.
        case appended(AppendReceipt)
        /// The finish under way is stored.
        case finished(Message)
        /// The store call under way failed in a way that a repetition may cure.
        case storeFailed
        /// The answer is no longer this task's.
        case fenced
    }

    /// What to do, in order.
    package enum Action: Hashable, Sendable {
        /// Show this to the readers on this task.
        case publish(Utterance)
        /// Append this part and report with `appended`, `storeFailed` or `fenced`.
        case append(AnswerPart)
        /// Store the end and report with `finished`, `storeFailed` or `fenced`.
        case finish(AnswerPart, AnswerEnd)
        /// Close the connection to the model.
        case cancelModel
        /// Nothing is left to do.
        case conclude(Conclusion)
    }

    /// How a turn left this task.
    package enum Conclusion: Hashable, Sendable {
        /// Its end is stored.
        case stored(Message)
        /// Its end is not stored by this task: it was fenced, or the volume stayed away.
        case lost
    }

    private enum Phase: Hashable, Sendable {
        case open
        case ending(AnswerEnd)
        case over
    }

    /// Who writes the answer.
    package let owner: AnswerOwner
    private var phase = Phase.open
    /// What the store has acknowledged, in bytes of UTF-8: reasoning and the answer's text.
    private var storedReasoningBytes: Int
    private var storedTextBytes: Int
    /// What waits to be stored; the part under way is at its front.
    private var waiting = Utterance()
    /// Bytes of `waiting` in the store call under way; nil when none is.
    private var bytesUnderWay: Int?
    private var finishAttempts = 0
    /// The end of `waiting`, which nobody was shown yet.
    private var withheld = Utterance()
    /// How often it was flushDue since the oldest text of `waiting` came.
    private var flushesSinceOldest = 0
    /// The same since the call under way was made: what it does not carry is younger.
    private var flushesSinceCall = 0

    /// A turn that `owner` runs.
    /// - Parameters:
    ///   - storedBytes: text that the answer already holds, in bytes of UTF-8.
    ///   - storedReasoningBytes: reasoning that it already holds.
    package init(owner: AnswerOwner, storedBytes: Int = 0, storedReasoningBytes: Int = 0) {
        self.owner = owner
        storedTextBytes = storedBytes
        self.storedReasoningBytes = storedReasoningBytes
    }

    /// Whether everything is done.
    package var isOver: Bool { phase == .over }

    /// Takes an event; the caller performs the actions in order.
    package mutating func handle(_ event: Event) -> [Action] {
        if phase == .over { return [] }
        switch event {
        case .delta(let text): return take(text)
        case .reasoning(let text): return think(text)
        case .modelFinished(let finish):
            return end(AnswerEnd(state: .complete, stopReason: finish.stopReason, usage: finish.usage))
        case .modelFailed(let failure): return end(AnswerEnd(state: .failed, failure: failure))
        case .stop: return end(AnswerEnd(state: .stopped), cancelling: true)
        case .leave: return end(AnswerEnd(state: .interrupted), cancelling: true)
        case .flushDue:
            flushesSinceOldest += waiting.isEmpty ? 0 : 1
            flushesSinceCall += 1
            return store()
        case .appended(let receipt):
            acknowledge()
            let next =
                receipt.isStopRequested ? end(AnswerEnd(state: .stopped), cancelling: true) : storeIfDue()
            return (isStoreBehind ? [] : publishWithheld()) + next
        case .finished(let message):
            phase = .over
            return publishWithheld() + [.conclude(.stored(message))]
        case .storeFailed: return fail()
        case .fenced:
            defer { phase = .over }
            // One that is ending has cancelled its model, or needs not.
            return (phase == .open ? [.cancelModel] : []) + [.conclude(.lost)]
        }
    }

    // MARK: Text

    private mutating func take(_ text: String) -> [Action] {
        guard phase == .open else { return [] }
        let room = Limits.answerBytesMax - storedTextBytes - waiting.text.utf8.count
        guard text.utf8.count > room else {
            return show(Utterance(text: text)) + storeIfDue()
        }
        var fitting = text[...]
        while fitting.utf8.count > room { fitting.removeLast() }
        return show(Utterance(text: String(fitting)))
            + end(AnswerEnd(state: .complete, stopReason: "length"), cancelling: true)
    }

    private mutating func think(_ text: String) -> [Action] {
        guard phase == .open else { return [] }
        let known = storedReasoningBytes + waiting.reasoning.utf8.count
        guard storedTextBytes == 0, waiting.text.isEmpty,
            known + text.utf8.count <= Limits.reasoningBytesMax
        else { return storeIfDue() }
        return show(Utterance(reasoning: text)) + storeIfDue()
    }

    private mutating func show(_ said: Utterance) -> [Action] {
        if waiting.isEmpty { flushesSinceOldest = 0 }
        waiting.append(said)
        withheld.append(said)
        return isStoreBehind ? [] : publishWithheld()
    }

    private var isStoreBehind: Bool { flushesSinceOldest >= Limits.unstoredFlushesMax }

    private mutating func publishWithheld() -> [Action] {
        defer { withheld = Utterance() }
        return withheld.isEmpty ? [] : [.publish(withheld)]
    }

    private mutating func end(_ end: AnswerEnd, cancelling: Bool = false) -> [Action] {
        guard phase == .open else { return storeIfDue() }
        phase = .ending(end)
        return (cancelling ? [.cancelModel] : []) + storeIfDue()
    }

    // MARK: Store

    /// The next store call, unless one is under way or nothing presses.
    private mutating func storeIfDue() -> [Action] {
        if case .ending = phase { return store() }
        return waiting.bytes >= Limits.flushBytes ? store() : []
    }

    private mutating func store() -> [Action] {
        guard bytesUnderWay == nil else { return [] }
        bytesUnderWay = waiting.bytes
        flushesSinceCall = 0
        let part = AnswerPart(
            owner: owner, offset: storedReasoningBytes + storedTextBytes, said: waiting)
        if case .ending(let end) = phase { return [.finish(part, end)] }
        return [.append(part)]
    }

    private mutating func acknowledge() {
        let bytes = bytesUnderWay ?? 0
        let thought = min(bytes, waiting.reasoning.utf8.count)
        storedReasoningBytes += thought
        storedTextBytes += bytes - thought
        // A part ends where a delta ended, so never inside a character.
        waiting = waiting.dropFirst(bytes) ?? Utterance()
        bytesUnderWay = nil
        flushesSinceOldest = waiting.isEmpty ? 0 : flushesSinceCall
    }

    private mutating func fail() -> [Action] {
        bytesUnderWay = nil
        guard case .ending = phase else { return [] }
        finishAttempts += 1
        guard finishAttempts < Limits.finishAttemptsMax else {
            phase = .over
            return [.conclude(.lost)]
        }
        return []
    }
}
