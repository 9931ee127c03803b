/// How long a task keeps a shard that others may want.
///
/// A waiter has no way to say so: it tries to take the lock and goes. So each hold is bounded, and each
/// bound is a part of the longest wait that another task can see while nobody fails: the bound of a hold,
/// plus the batch that runs when it is reached, plus one pause. That must stay below 1 s for
/// every task that is announced (`TaskPresence`).
struct HoldPatience: Hashable, Sendable {
    /// From taking the shard to giving it back, at most, while other tasks live.
    let hold: Duration
    /// The same for a task that lives alone. Other processes are then tools of the operator (a migration, an
    /// export), which wait for longer than this; and a task that starts is seen within
    /// ``TaskPresence/aloneMillisecondsMax``, which ends a longer hold.
    let holdAlone: Duration
    /// How long an idle shard is kept for the next operation, while other tasks live: for bursts, such as the
    /// beginning of a turn, since taking the shard costs three calls. Longer would only make others wait:
    /// the next part of a running answer comes after 250 ms.
    let linger: Duration
    /// The same when the shard came from another task or had to be waited for, so that somebody probably
    /// waits: for a single caller nothing, for several as long as one who was just answered needs to send its
    /// next operation.
    let lingerContended: Duration
    /// The longest pause of a waiter between two tries: each try is a call on the volume.
    let pause: Duration
    /// The same for one that has waited for longer than ``hold``, which means that another waiter won the
    /// race for the last release: it asks more often than those who held the shard since, and wins the next.
    let pauseOfSenior: Duration
    /// How long the shard is left alone after a hold was ended by its bound. Longer than a waiter's pause, so
    /// that each waiter makes a try in it: these locks have no queue, and without a rest a loaded task would
    /// win every race against those that come back from a pause. With room for a timer that is late.
    let rest: Duration

    /// For the engine whose holds bound batches and nothing else.
    static let transactionOnly = HoldPatience(
        hold: .milliseconds(250), holdAlone: .milliseconds(250), linger: .zero, lingerContended: .zero,
        pause: .milliseconds(32), pauseOfSenior: .milliseconds(32), rest: .milliseconds(40))

    static let shared = HoldPatience(
        hold: .milliseconds(125), holdAlone: .seconds(2), linger: .milliseconds(25),
        lingerContended: .milliseconds(2), pause: .milliseconds(16), pauseOfSenior: .milliseconds(4),
        rest: .milliseconds(40))

    /// The pauses of one wait.
    struct Wait {
        private let patience: HoldPatience
        private let began: ContinuousClock.Instant
        private var backoff: Backoff

        init(_ patience: HoldPatience, since began: ContinuousClock.Instant = .now) {
            self.patience = patience
            self.began = began
            backoff = Backoff(longest: patience.pause)
        }

        mutating func next(now: ContinuousClock.Instant = .now) -> Duration {
            let pause = backoff.next()
            guard began.duration(to: now) > patience.hold else { return pause }
            return min(pause, patience.pauseOfSenior * Double.random(in: 0.5...1))
        }
    }
}

/// A shard that is held.
struct Hold: Sendable {
    /// When this task's turn began: not this hold, if it gave the shard back only for a moment.
    ///
    /// Many short holds in a row keep a waiter out as well as one long one: it comes back now and then
    /// and finds the shard taken most of the time.
    let since: ContinuousClock.Instant
    /// When this hold began.
    let taken: ContinuousClock.Instant
    /// It was somebody else's until just now.
    let isContended: Bool
    /// Several callers were served by one transaction.
    var isCrowded = false
    /// When it was given back.
    var ended: ContinuousClock.Instant?

    /// - Parameters:
    ///   - last: the hold before.
    ///   - isContended: somebody else wrote since then or held the shard.
    init(after last: Hold?, isContended: Bool, _ patience: HoldPatience, now: ContinuousClock.Instant = .now)
    {
        self.isContended = isContended
        taken = now
        if let last, let ended = last.ended, !isContended, now < ended + patience.rest {
            since = last.since
        } else {
            since = now
        }
    }

    /// When it must end while there is work.
    func end(_ patience: HoldPatience, isAlone: Bool) -> ContinuousClock.Instant {
        since + (isAlone ? patience.holdAlone : patience.hold)
    }

    /// When it must end if there is no work since `idleSince`.
    func end(
        _ patience: HoldPatience, isAlone: Bool, idleSince: ContinuousClock.Instant
    ) -> ContinuousClock.Instant {
        let linger =
            if isAlone {
                patience.holdAlone
            } else if isContended {
                isCrowded ? patience.lingerContended : .zero
            } else {
                patience.linger
            }
        return min(idleSince + linger, end(patience, isAlone: isAlone))
    }
}
