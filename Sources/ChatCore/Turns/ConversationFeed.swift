/// What this task knows of one conversation that somebody reads or that it writes an answer to.
///
/// Readers pull: each has a cursor of its own and asks for what it lacks, so a slow reader costs no memory
/// and never misses anything. The feed only says how far things are, holds the running answer's text once for
/// all readers, and wakes them when there is more.
package final class ConversationFeed: Sendable {
    /// How far things are.
    package struct Snapshot: Sendable {
        /// Grows with every wake.
        package let generation: Int
        /// The newest version of the conversation that this task has heard of; 0 before the first.
        package let version: Int
        /// The running answer, if this task knows of one.
        package let running: RunningText?
        /// The version at which ``running`` was found out; 0 when that is to be done.
        package let runningVersion: Int
        /// Counts heartbeats.
        package let beats: Int
        /// The conversation was deleted.
        package let isGone: Bool
        /// This task is leaving.
        package let isLeaving: Bool
    }

    /// A running answer and what was said so far.
    package struct RunningText: Sendable {
        /// The answer.
        package let message: MessageID
        /// The version at which it began.
        package let version: Int
        /// Who writes it.
        package let owner: AnswerOwner
        /// All that was said so far.
        package var said: Utterance
    }

    private struct State {
        var version = 0
        var running: RunningText?
        var runningVersion = 0
        var beats = 0
        var isGone = false
        var isLeaving = false
        var hasUnannouncedText = false
        /// When readers were last woken for text; nil before the first time.
        var announced: ContinuousClock.Instant?
    }

    private let state = Observed(State())

    /// The present state; cheap, no text is copied.
    package var snapshot: Snapshot {
        let (state, generation) = state.current
        return Snapshot(
            generation: generation, version: state.version, running: state.running,
            runningVersion: state.runningVersion, beats: state.beats, isGone: state.isGone,
            isLeaving: state.isLeaving)
    }

    // MARK: Readers

    /// Waits until the generation is no longer `generation`, or the calling task is cancelled.
    package func wait(after generation: Int) async { await state.wait(after: generation) }

    // MARK: Writers

    /// The conversation has reached `version`; older news is ignored.
    package func advance(to version: Int) {
        state.change { state in
            guard version > state.version else { return false }
            state.version = version
            return true
        }
    }

    /// At `version` of the conversation this answer runs, or none. What an older version says is ignored: a
    /// probe may have looked before a turn began here.
    package func setRunning(_ running: RunningText?, at version: Int) {
        state.change { state in
            guard version >= state.runningVersion else { return false }
            state.running = running
            state.runningVersion = version
            return true
        }
    }

    /// The running answer is still the one at `version`.
    package func confirmRunning(at version: Int) {
        state.change { state in
            // Readers that have seen this version already wait for its confirmation.
            guard version > state.runningVersion else { return false }
            state.runningVersion = version
            return true
        }
    }

    /// Whether an answer runs is to be found out anew.
    package func forgetRunning() {
        state.change { state in
            state.running = nil
            state.runningVersion = 0
            return true
        }
    }

    /// The running answer gained text. Readers are woken at once for the first in a while, the first token of
    /// all above all; what follows within ``Limits/deltaIntervalMilliseconds`` waits for
    /// ``announceText(at:)``, so that many small deltas are one wake.
    package func append(
        _ said: Utterance, to message: MessageID, at now: ContinuousClock.Instant = .now
    ) {
        state.change { state in
            guard state.running?.message == message else { return false }
            state.running?.said.append(said)
            let pause = Duration.milliseconds(Limits.deltaIntervalMilliseconds)
            if let announced = state.announced, now - announced < pause {
                state.hasUnannouncedText = true
                return false
            }
            state.announced = now
            state.hasUnannouncedText = false
            return true
        }
    }

    /// Wakes the readers if text was appended since the last time.
    package func announceText(at now: ContinuousClock.Instant = .now) {
        state.change { state in
            guard state.hasUnannouncedText else { return false }
            state.hasUnannouncedText = false
            state.announced = now
            return true
        }
    }

    /// Lets every reader send a heartbeat.
    package func beat() {
        state.change { state in
            state.beats += 1
            return true
        }
    }

    /// The conversation was deleted.
    package func end() {
        state.change { state in
            state.isGone = true
            return true
        }
    }

    /// This task is leaving: readers go elsewhere.
    package func leave() {
        state.change { state in
            state.isLeaving = true
            return true
        }
    }
}
