import Synchronization

/// The sessions that somebody follows on this task.
///
/// As with conversations, readers pull: a feed only says that there may be something new. What other tasks
/// did is found by one ``SessionStore/sessionVersions(of:)`` every
/// ``Limits/sessionProbeIntervalMilliseconds`` for all sessions that are followed here, whatever the number
/// of readers.
final class SessionFeeds: Sendable {
    /// What is known of a session.
    struct Signal: Sendable {
        /// The newest version this task has heard of; 0 before the first.
        var version = 0
        /// Counts what was done on this task, whose version is not known.
        var hints = 0
        /// Counts heartbeats.
        var beats = 0
        /// The session was deleted.
        var isGone = false
        /// This task is leaving.
        var isLeaving = false
    }

    private struct Entry {
        let feed = Observed(Signal())
        var readers = 0
    }

    private let store: any SessionStore
    private let state = Mutex<(entries: [SessionID: Entry], isLeaving: Bool)>(([:], false))

    init(store: any SessionStore) { self.store = store }

    /// Keeps the feed of a session for the length of `body`.
    func withFeed<Result>(
        of session: SessionID, isolation: isolated (any Actor)? = #isolation,
        _ body: (Observed<Signal>) async throws -> Result
    ) async rethrows -> Result {
        let (feed, isLeaving) = state.withLock { state in
            state.entries[session, default: Entry()].readers += 1
            return (state.entries[session, default: Entry()].feed, state.isLeaving)
        }
        defer {
            state.withLock { state in
                state.entries[session]?.readers -= 1
                if state.entries[session]?.readers == 0 { state.entries[session] = nil }
            }
        }
        if isLeaving { Self.leave(feed) }
        return try await body(feed)
    }

    /// Something was done to a conversation of the session on this task.
    func hint(_ session: SessionID) {
        let feed = state.withLock { $0.entries[session]?.feed }
        feed?.change { signal in
            signal.hints += 1
            return true
        }
    }

    /// Sends every reader to another task, now and from now on.
    func leave() {
        let feeds = state.withLock { state in
            state.isLeaving = true
            return state.entries.values.map(\.feed)
        }
        for feed in feeds { Self.leave(feed) }
    }

    private static func leave(_ feed: Observed<Signal>) {
        feed.change { signal in
            signal.isLeaving = true
            return true
        }
    }

    /// Looks for other tasks' changes and sends heartbeats, until the calling task is cancelled.
    func run() async {
        let ticksPerBeat = Limits.heartbeatMilliseconds / Limits.sessionProbeIntervalMilliseconds
        var tick = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(Limits.sessionProbeIntervalMilliseconds))
            tick += 1
            let feeds = state.withLock { $0.entries.mapValues(\.feed) }
            guard !feeds.isEmpty else { continue }
            // A store that is busy or away is asked again at the next tick.
            let versions = try? await store.sessionVersions(of: Set(feeds.keys))
            for (session, feed) in feeds {
                feed.change { signal in
                    let before = signal.version
                    if let versions {
                        signal.version = max(before, versions[session] ?? 0)
                        signal.isGone = versions[session] == nil
                    }
                    if tick.isMultiple(of: ticksPerBeat) { signal.beats += 1 }
                    return signal.version > before || signal.isGone || tick.isMultiple(of: ticksPerBeat)
                }
            }
        }
    }
}
