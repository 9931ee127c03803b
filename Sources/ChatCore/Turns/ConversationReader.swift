/// Somebody who follows a conversation: pulls what it lacks, in order, from its cursor on.
package struct ConversationReader {
    /// What a reader is told.
    package enum Event: Sendable {
        /// Messages or the conversation changed.
        case changes(ConversationChanges)
        /// The running answer grew; `whole` is the answer's text up to the growth's end.
        case growth(AnswerGrowth, whole: String)
        /// Nothing happened for a while; also the first event of all.
        case beat
        /// The conversation was deleted; nothing follows.
        case gone
        /// This task is leaving; nothing follows here, another task goes on from the cursor.
        case leaving
    }

    /// What was handed out so far; a later reader, on any task, goes on from here.
    package private(set) var cursor: Cursor

    private let conversation: ConversationReference
    private let store: any SessionStore
    private let feed: ConversationFeed
    private var seenBeats: Int
    private var isSynchronized = false

    /// A reader that has seen everything up to `cursor`.
    package init(
        of conversation: ConversationReference, from cursor: Cursor, store: any SessionStore,
        feed: ConversationFeed
    ) {
        self.conversation = conversation
        self.cursor = cursor
        self.store = store
        self.feed = feed
        seenBeats = feed.snapshot.beats
    }

    /// The next event; waits for it as long as it takes, heartbeats included.
    /// - Throws: `CancellationError`, or what ``SessionStore/changes(in:of:since:limit:)`` throws.
    package mutating func next() async throws -> Event {
        while true {
            try Task.checkCancellation()
            let known = feed.snapshot
            if known.isLeaving { return .leaving }
            if known.isGone { return .gone }
            if !isSynchronized || known.version > cursor.version {
                if let changes = try await pull(known.version) { return .changes(changes) }
                continue
            }
            // What is held here may be older than what this reader has seen, when another task ended that
            // answer: then its text would follow its end. The next probe finds out.
            if known.runningVersion >= cursor.version, let growth = growth(of: known.running) {
                return growth
            }
            if known.beats != seenBeats {
                seenBeats = known.beats
                return .beat
            }
            await feed.wait(after: known.generation)
        }
    }

    /// The first call finds out how far the store is, whatever the feed has heard so far.
    private mutating func pull(_ version: Int) async throws -> ConversationChanges? {
        isSynchronized = true
        do {
            let changes = try await inOwnTask { [store, conversation, cursor] in
                try await store.changes(
                    in: conversation.conversation, of: conversation.session, since: cursor,
                    limit: Limits.changesMax)
            }
            guard let changes else {
                cursor.version = max(cursor.version, version)
                return nil
            }
            cursor = changes.cursor
            // When more changed than one call hands out, the rest is asked for before anything is waited for.
            if changes.cursor.version < changes.conversation.version { isSynchronized = false }
            feed.advance(to: changes.conversation.version)
            return changes
        } catch let error as ChatError where error.code == .notFound || error.code == .unauthorized {
            feed.end()
            throw error
        }
    }

    private mutating func growth(of running: ConversationFeed.RunningText?) -> Event? {
        guard let running, running.version <= cursor.version, running.said.bytes > cursor.offset else {
            return nil
        }
        guard let gained = running.said.dropFirst(cursor.offset) else {
            // A cursor that nobody was given: show the answer from its start.
            cursor.offset = 0
            return growth(of: running)
        }
        let growth = AnswerGrowth(message: running.message, offset: cursor.offset, said: gained)
        cursor.offset = growth.end
        return .growth(growth, whole: running.said.text)
    }
}
