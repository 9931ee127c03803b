/// Somebody who follows a session's list of conversations: its newest page, and what changes in it.
package struct SessionReader {
    /// What a reader is told.
    package enum Event: Sendable {
        /// Conversations were made, changed or deleted.
        case changes(SessionChanges)
        /// Nothing happened for a while.
        case beat
        /// The session was deleted; nothing follows.
        case gone
        /// This task is leaving; nothing follows here.
        case leaving
    }

    /// What was handed out so far; a later reader, on any task, goes on from here.
    package private(set) var version: Int

    private let session: SessionID
    private let store: any SessionStore
    private let feed: Observed<SessionFeeds.Signal>
    /// The versions of the conversations that the reader was told of; nil before the first page.
    private var known: [ConversationID: Int]?
    private var seen = SessionFeeds.Signal()
    private var isSynchronized = false

    /// - Parameter version: what the reader has seen; 0 for nothing.
    init(
        of session: SessionID, from version: Int, store: any SessionStore,
        feed: Observed<SessionFeeds.Signal>
    ) {
        self.session = session
        self.version = version
        self.store = store
        self.feed = feed
        seen.beats = feed.current.value.beats
    }

    /// The next event; waits for it as long as it takes, heartbeats included.
    /// - Throws: `CancellationError`, and what the store throws.
    package mutating func next() async throws -> Event {
        while true {
            try Task.checkCancellation()
            let (signal, generation) = feed.current
            if signal.isLeaving { return .leaving }
            if signal.isGone { return .gone }
            if !isSynchronized || signal.version > version || signal.hints != seen.hints {
                seen.hints = signal.hints
                isSynchronized = true
                if let changes = try await pull() { return .changes(changes) }
                continue
            }
            if signal.beats != seen.beats {
                seen.beats = signal.beats
                return .beat
            }
            await feed.wait(after: generation)
        }
    }

    /// Reads the newest page and tells it apart from what the reader knows; nil when nothing is new.
    private mutating func pull() async throws -> SessionChanges? {
        // Before the page: what changes between the two is told twice rather than not at all.
        let now = try await inOwnTask { [store, session] in
            try await store.sessionVersions(of: [session])[session]
        }
        guard let now else { throw ChatError.unknownSession }
        // A session without conversations has the version 0, and its reader is told so.
        guard now != version || (now == 0 && known == nil) else { return nil }
        version = now
        let list = try await inOwnTask { [store, session] in
            try await store.conversations(of: session, after: nil, limit: Limits.followedConversationsMax)
        }
        let versions = Dictionary(uniqueKeysWithValues: list.conversations.map { ($0.id, $0.version) })
        defer { known = versions }
        guard let known else {
            return SessionChanges(
                isWhole: true, conversations: list.conversations, isMore: list.next != nil, removed: [])
        }
        let changed = list.conversations.filter { known[$0.id] != $0.version }
        let missing = known.keys.filter { versions[$0] == nil }
        let removed = list.next == nil ? missing : try await removed(among: missing)
        guard !changed.isEmpty || !removed.isEmpty else { return nil }
        return SessionChanges(
            isWhole: false, conversations: changed, isMore: list.next != nil, removed: removed)
    }

    /// What left the page was deleted, or newer ones took its place.
    private func removed(among missing: [ConversationID]) async throws -> [ConversationID] {
        let places = missing.map { ConversationReference(session: session, conversation: $0) }
        let found = try await inOwnTask { [store] in try await store.cursors(of: Set(places)) }
        return places.filter { found[$0] == nil }.map(\.conversation)
    }
}

/// What changed among the newest conversations of a session.
package struct SessionChanges: Hashable, Sendable {
    /// The conversations are the whole newest page, in its order; otherwise those that were made or changed.
    package let isWhole: Bool
    /// At most ``Limits/followedConversationsMax``.
    package let conversations: [Conversation]
    /// There are older ones, of which nothing is told.
    package let isMore: Bool
    /// What was deleted.
    package let removed: [ConversationID]
}
