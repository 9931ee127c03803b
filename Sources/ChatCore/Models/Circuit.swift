/// Whether a model is worth asking, as a value: outcomes in, verdicts out.
///
/// | phase | event | next phase |
/// | --- | --- | --- |
/// | closed | asked | closed, let through |
/// | closed | away, fewer than ``awayMax`` times in a row | closed |
/// | closed | away once more | open for ``openMillisecondsMin`` |
/// | open | asked before its time | open, refused at once |
/// | open | asked after it | probing, let through |
/// | probing | asked | probing, refused at once |
/// | probing | the probe is away | open, for twice as long, ``openMillisecondsMax`` at most |
/// | probing | the probe was given up | open, to be probed by the next one |
/// | any | somebody was answered | closed |
///
/// Without it everybody who asks a dead provider waits for its deadlines, and each of them holds an answer
/// that this task could write for somebody else.
package struct Circuit: Hashable, Sendable {
    /// How often in a row a model may be away before it is left in peace.
    package static let awayMax = 3
    /// For how long, at first, in milliseconds.
    package static let openMillisecondsMin = 5_000
    /// And at most.
    package static let openMillisecondsMax = 60_000

    /// What became of an answer.
    package enum Outcome: Hashable, Sendable {
        /// The model said something.
        case answered
        /// It could not be reached, or said nothing in time.
        case away
        /// Neither: it was stopped before, or the model refused this one question.
        case unknown
    }

    /// A question that was let through; its outcome is reported with it.
    package struct Ticket: Hashable, Sendable {
        fileprivate let isProbe: Bool
    }

    private enum Phase: Hashable, Sendable {
        case closed(awayCount: Int)
        case open(until: ContinuousClock.Instant, milliseconds: Int)
        case probing(milliseconds: Int)
    }

    private var phase = Phase.closed(awayCount: 0)

    /// A model of which nothing is known yet.
    package init() {}

    /// Somebody wants to ask.
    /// - Throws: ``ModelError/Kind/unavailable`` when the model is left in peace.
    package mutating func ask(at now: ContinuousClock.Instant) throws(ModelError) -> Ticket {
        switch phase {
        case .closed: return Ticket(isProbe: false)
        case .probing(let milliseconds): throw Self.refusal(milliseconds: milliseconds)
        case .open(let until, let milliseconds):
            guard now >= until else { throw Self.refusal(milliseconds: Int((until - now).milliseconds)) }
            phase = .probing(milliseconds: milliseconds)
            return Ticket(isProbe: true)
        }
    }

    /// A question came to its end, or its first piece of an answer came.
    package mutating func report(_ outcome: Outcome, of ticket: Ticket, at now: ContinuousClock.Instant) {
        switch (outcome, phase) {
        case (.answered, _): phase = .closed(awayCount: 0)
        case (.away, .closed(let count)) where count + 1 < Self.awayMax: phase = .closed(awayCount: count + 1)
        case (.away, .closed): open(for: Self.openMillisecondsMin, from: now)
        case (.away, .probing(let milliseconds)) where ticket.isProbe:
            open(for: min(2 * milliseconds, Self.openMillisecondsMax), from: now)
        case (.unknown, .probing(let milliseconds)) where ticket.isProbe:
            phase = .open(until: now, milliseconds: milliseconds)
        case (.away, _), (.unknown, _): break  // News from before.
        }
    }

    /// Whether questions are refused.
    package var isOpen: Bool { if case .closed = phase { false } else { true } }

    private mutating func open(for milliseconds: Int, from now: ContinuousClock.Instant) {
        phase = .open(until: now + .milliseconds(milliseconds), milliseconds: milliseconds)
    }

    private static func refusal(milliseconds: Int) -> ModelError {
        ModelError(
            .unavailable,
            message: "The model has not answered for a while. Try again in a moment, or choose another one.",
            detail: "not asked: it was away several times in a row", retryAfterMilliseconds: milliseconds)
    }
}
