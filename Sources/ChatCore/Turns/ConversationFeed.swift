import Synchronization

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

    /// A running answer and its text so far.
    package struct RunningText: Sendable {
        /// The answer.
        package let message: MessageID
        /// The version at which it began.
        package let version: Int
        /// Who writes it.
        package let owner: AnswerOwner
        /// All text so far.
        package var text: String
        /// Bytes of UTF-8 in `text`.
        package var bytes: Int
    }

    private struct State {
        var generation = 0
        var version = 0
        var running: RunningText?
        var runningVersion = 0
        var beats = 0
        var isGone = false
        var isLeaving = false
        var hasUnannouncedText = false
        var nextWaiter = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    /// The present state; cheap, no text is copied.
    package var snapshot: Snapshot {
        state.withLock {
            Snapshot(
                generation: $0.generation, version: $0.version, running: $0.running,
                runningVersion: $0.runningVersion, beats: $0.beats,
                isGone: $0.isGone, isLeaving: $0.isLeaving)
        }
    }

    // MARK: Readers

    /// Waits until the generation is no longer `generation`, or the calling task is cancelled.
    package func wait(after generation: Int) async {
        let waiter = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    // A cancellation that came first found no waiter to resume: it must be seen here.
                    if state.generation != generation || Task.isCancelled { return true }
                    state.waiters[waiter] = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume()
        }
    }

    // MARK: Writers

    /// The conversation has reached `version`; older news is ignored.
    package func advance(to version: Int) {
        change { state in
            guard version > state.version else { return false }
            state.version = version
            return true
        }
    }

    /// At `version` of the conversation this answer runs, or none. What an older version says is ignored: a
    /// probe may have looked before a turn began here.
    package func setRunning(_ running: RunningText?, at version: Int) {
        change { state in
            guard version >= state.runningVersion else { return false }
            state.running = running
            state.runningVersion = version
            return true
        }
    }

    /// The running answer is still the one at `version`.
    package func confirmRunning(at version: Int) {
        state.withLock { $0.runningVersion = max($0.runningVersion, version) }
    }

    /// A reader found in the store that at `version` this answer runs, or none: another one that is held here
    /// has ended meanwhile, and shows no more.
    package func dropRunning(unless answer: MessageID?, at version: Int) {
        change { state in
            guard let running = state.running, running.message != answer, version > state.runningVersion
            else { return false }
            state.running = nil
            // What runs instead, and its text, is for the next probe to find out.
            state.runningVersion = answer == nil ? version : 0
            return true
        }
    }

    /// Whether an answer runs is to be found out anew.
    package func forgetRunning() {
        change { state in
            state.running = nil
            state.runningVersion = 0
            return true
        }
    }

    /// The running answer gained text. Readers are woken by ``announceText()``, so that many small deltas are
    /// one wake.
    package func append(_ text: String, to message: MessageID) {
        state.withLock { state in
            guard state.running?.message == message else { return }
            state.running?.text += text
            state.running?.bytes += text.utf8.count
            state.hasUnannouncedText = true
        }
    }

    /// Wakes the readers if text was appended since the last time.
    package func announceText() {
        change { state in
            defer { state.hasUnannouncedText = false }
            return state.hasUnannouncedText
        }
    }

    /// Lets every reader send a heartbeat.
    package func beat() {
        change { state in
            state.beats += 1
            return true
        }
    }

    /// The conversation was deleted.
    package func end() {
        change { state in
            state.isGone = true
            return true
        }
    }

    /// This task is leaving: readers go elsewhere.
    package func leave() {
        change { state in
            state.isLeaving = true
            return true
        }
    }

    /// Changes the state and, if `body` says so, wakes everybody, outside the lock.
    private func change(_ body: (inout State) -> Bool) {
        let woken = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard body(&state) else { return [] }
            state.generation += 1
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for continuation in woken { continuation.resume() }
    }
}
