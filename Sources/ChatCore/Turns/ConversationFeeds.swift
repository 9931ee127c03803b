import Synchronization

/// The feeds of this task: one for each conversation that somebody reads here or that an answer is written to
/// here.
///
/// ``run()`` looks for what other tasks did: one ``SessionStore/cursors(of:)`` every
/// ``Limits/probeIntervalMilliseconds`` for all conversations that have readers, whatever their number.
package final class ConversationFeeds: Sendable {
    private struct Entry {
        let feed = ConversationFeed()
        var users = 0
        var readers = 0
    }

    private struct State {
        var entries: [ConversationReference: Entry] = [:]
        var isLeaving = false
    }

    private let store: any SessionStore
    private let settler: AbandonedAnswers
    private let state = Mutex(State())
    private let clock = ContinuousClock()

    /// Feeds over `store`; `settler` ends answers whose task died.
    package init(store: any SessionStore, settler: AbandonedAnswers) {
        self.store = store
        self.settler = settler
    }

    // MARK: Use

    /// Keeps the feed of a conversation for the length of `body`, for a writer.
    package func withFeed<Result>(
        of conversation: ConversationReference, isolation: isolated (any Actor)? = #isolation,
        _ body: (ConversationFeed) async throws -> Result
    ) async rethrows -> Result {
        let feed = take(conversation, reading: false)
        defer { drop(conversation, reading: false) }
        return try await body(feed)
    }

    /// Keeps the feed of a conversation for the length of `body`, for a reader: other tasks' changes are
    /// looked for.
    package func withReaderFeed<Result>(
        of conversation: ConversationReference, isolation: isolated (any Actor)? = #isolation,
        _ body: (ConversationFeed) async throws -> Result
    ) async rethrows -> Result {
        let feed = take(conversation, reading: true)
        defer { drop(conversation, reading: true) }
        return try await body(feed)
    }

    /// The feed of a conversation, if anybody uses one.
    package func existingFeed(of conversation: ConversationReference) -> ConversationFeed? {
        state.withLock { $0.entries[conversation]?.feed }
    }

    /// How many readers follow a conversation on this task.
    package var readerCount: Int {
        state.withLock { $0.entries.values.reduce(0) { $0 + $1.readers } }
    }

    /// Sends every reader to another task, now and from now on.
    package func leave() {
        let feeds = state.withLock { state in
            state.isLeaving = true
            return state.entries.values.map(\.feed)
        }
        for feed in feeds { feed.leave() }
    }

    private func take(_ conversation: ConversationReference, reading: Bool) -> ConversationFeed {
        let (feed, isLeaving) = state.withLock { state in
            var entry = state.entries[conversation] ?? Entry()
            entry.users += 1
            if reading { entry.readers += 1 }
            state.entries[conversation] = entry
            return (entry.feed, state.isLeaving)
        }
        if isLeaving { feed.leave() }
        return feed
    }

    private func drop(_ conversation: ConversationReference, reading: Bool) {
        state.withLock { state in
            guard var entry = state.entries[conversation] else { return }
            entry.users -= 1
            if reading { entry.readers -= 1 }
            state.entries[conversation] = entry.users > 0 ? entry : nil
        }
    }

    // MARK: Other tasks

    /// Looks for other tasks' changes and sends heartbeats, until the calling task is cancelled.
    package func run() async {
        let interval = Duration.milliseconds(Limits.probeIntervalMilliseconds)
        let ticksPerBeat = Limits.heartbeatMilliseconds / Limits.probeIntervalMilliseconds
        let ticksPerCheck = Limits.livenessIntervalMilliseconds / Limits.probeIntervalMilliseconds
        var tick = 0
        while !Task.isCancelled {
            try? await clock.sleep(for: interval)
            tick += 1
            let feeds = state.withLock { $0.entries.filter { $0.value.readers > 0 }.mapValues(\.feed) }
            guard !feeds.isEmpty else { continue }
            // A store that is busy or away is asked again at the next tick; readers keep what they have.
            try? await probe(feeds)
            if tick % ticksPerCheck == 0 { await settle(feeds) }
            if tick % ticksPerBeat == 0 { for feed in feeds.values { feed.beat() } }
        }
    }

    private func probe(_ feeds: [ConversationReference: ConversationFeed]) async throws {
        let cursors = try await store.cursors(of: Set(feeds.keys))
        for (conversation, feed) in feeds {
            guard let cursor = cursors[conversation] else {
                feed.end()
                continue
            }
            let known = feed.snapshot
            if cursor.version > known.runningVersion { try await findRunning(of: conversation, for: feed) }
            feed.advance(to: cursor.version)
            if let running = known.running, cursor.offset > running.said.bytes,
                !settler.isWrittenHere(running.message)
            {
                try await pullText(of: conversation, into: feed, running)
            }
        }
    }

    /// Finds out which answer runs, and takes over the text that another task stored so far.
    private func findRunning(of conversation: ConversationReference, for feed: ConversationFeed) async throws
    {
        let page = try await store.conversation(
            conversation.conversation, of: conversation.session, before: nil, limit: 1)
        let version = page.conversation.version
        guard let answer = page.messages.last, answer.state == .running, let owner = answer.owner else {
            return feed.setRunning(nil, at: version)
        }
        // What is written here is known better than the store can tell.
        guard !settler.isWrittenHere(answer.id) else { return feed.confirmRunning(at: version) }
        feed.setRunning(
            ConversationFeed.RunningText(
                message: answer.id, version: answer.version, owner: owner, said: answer.said),
            at: version)
    }

    private func pullText(
        of conversation: ConversationReference, into feed: ConversationFeed,
        _ running: ConversationFeed.RunningText
    ) async throws {
        let changes = try await store.changes(
            in: conversation.conversation, of: conversation.session,
            since: Cursor(version: feed.snapshot.version, offset: running.said.bytes), limit: 1)
        guard let growth = changes?.growth, growth.message == running.message else { return }
        feed.append(growth.said, to: running.message)
        feed.announceText()
    }

    /// Ends the running answers whose tasks died.
    private func settle(_ feeds: [ConversationReference: ConversationFeed]) async {
        for (conversation, feed) in feeds {
            guard let running = feed.snapshot.running else { continue }
            let answer = AnswerReference(conversation, message: running.message)
            if (try? await settler.settle(answer, ownedBy: running.owner)) == true { feed.forgetRunning() }
        }
    }
}
