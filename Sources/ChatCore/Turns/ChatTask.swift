import Synchronization

/// One server process as the domain sees it: takes turns, runs them, lets readers follow, and leaves without
/// losing anything.
///
/// Everything that changes a conversation while people read it goes through here, so that its readers on this
/// task hear of it at once. What only reads goes to ``store`` directly.
package final class ChatTask: Sendable {
    /// This process.
    package let id: TaskID
    /// The host it runs on, for people.
    package let host: String
    /// Where everything is kept.
    package let store: any SessionStore
    /// The models on offer.
    package let catalogue: ModelCatalogue

    let feeds: ConversationFeeds
    let sessions: SessionFeeds
    let abandoned: AbandonedAnswers
    let runners = Mutex<[ConversationReference: TurnRunner]>([:])
    private let isLeaving = Mutex(false)
    /// The time for running answers is over.
    let isDrained = Mutex(false)
    private let jobs: AsyncStream<@Sendable () async -> Void>
    let submit: AsyncStream<@Sendable () async -> Void>.Continuation
    let report: @Sendable (TurnReport) -> Void

    /// A task that is not running yet: ``run(drain:)`` does.
    /// - Parameters:
    ///   - report: is told of every turn that ended here.
    ///   - answerLimits: how many answers it writes at once.
    package init(
        id: TaskID, host: String, store: any SessionStore, catalogue: ModelCatalogue,
        liveness: any TaskLiveness,
        report: @escaping @Sendable (TurnReport) -> Void = { _ in },
        answerLimits: AnswerLimits = AnswerLimits()
    ) {
        self.id = id
        self.host = host
        self.store = store
        self.catalogue = catalogue
        self.report = report
        abandoned = AbandonedAnswers(
            store: store, liveness: liveness, task: id, limits: answerLimits)
        sessions = SessionFeeds(store: store)
        feeds = ConversationFeeds(store: store, settler: abandoned)
        (jobs, submit) = AsyncStream.makeStream()
    }

    // MARK: Life

    /// Runs turns and looks for other tasks' changes until ``leave()``, then lets running answers go on for
    /// at most `drain` and stores what is left as interrupted.
    package func run(drain: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.feeds.run() }
            group.addTask { await self.sessions.run() }
            group.addTask { await Sweep(store: self.store, settler: self.abandoned).run() }
            await withDiscardingTaskGroup { turns in
                for await job in jobs { turns.addTask { await job() } }
                // Left: no turn begins any more. Running ones get their time.
                turns.addTask { await self.endRunners(after: drain) }
            }
            group.cancelAll()
        }
    }

    /// Sends readers elsewhere and refuses new turns; ``run(drain:)`` returns when the running ones have
    /// ended.
    package func leave() {
        isLeaving.withLock { $0 = true }
        feeds.leave()
        sessions.leave()
        submit.finish()
    }

    /// Whether ``leave()`` was called.
    package var hasLeft: Bool { isLeaving.withLock { $0 } }

    /// Answers that are written here now.
    package var runningAnswerCount: Int { abandoned.writtenCount }

    /// Readers that follow a conversation here now.
    package var readerCount: Int { feeds.readerCount }

    private func endRunners(after drain: Duration) async {
        let deadline = ContinuousClock.now + drain
        while abandoned.writtenCount > 0, ContinuousClock.now < deadline {
            try? await Task.sleep(for: .milliseconds(Limits.deltaIntervalMilliseconds))
        }
        isDrained.withLock { $0 = true }
        for runner in runners.withLock({ Array($0.values) }) { runner.leave() }
    }

    // MARK: Conversations

    /// Asks the running answer of a conversation to stop, whichever task writes it.
    /// - Parameter answer: only this one; nil: whichever runs.
    /// - Returns: false when none runs, or another than `answer`.
    package func stop(_ answer: MessageID? = nil, in conversation: ConversationReference) async throws
        -> Bool
    {
        guard
            let asked = try await store.requestStop(
                answer, in: conversation.conversation, of: conversation.session)
        else { return false }
        // The next turn may have begun here meanwhile; what was asked to stop is not its answer.
        let runner = runners.withLock { $0[conversation] }
        if runner?.answer.message == asked { runner?.stop() }
        return true
    }

    /// A page of a conversation, with an answer that nobody writes any more marked as interrupted. What
    /// cannot be marked now, on a full volume for one, is shown as it is stored: reading does not depend on
    /// writing.
    package func page(
        of conversation: ConversationReference, before position: Int?, limit: Int
    ) async throws -> ConversationPage {
        let page = try await store.conversation(
            conversation.conversation, of: conversation.session, before: position, limit: limit)
        guard let running = page.messages.last(where: { $0.state == .running }),
            (try? await abandoned.settle(running, in: conversation)) == true
        else { return page }
        return try await store.conversation(
            conversation.conversation, of: conversation.session, before: position, limit: limit)
    }

    /// See ``SessionStore/createConversation(_:in:at:)``.
    package func create(_ new: NewConversation, in session: SessionID) async throws -> CreatedConversation {
        let created = try await store.createConversation(new, in: session, at: .now())
        sessions.hint(session)
        return created
    }

    /// See ``SessionStore/updateConversation(_:of:with:at:)``.
    package func update(_ conversation: ConversationReference, with patch: ConversationPatch) async throws
        -> Conversation
    {
        let changed = try await store.updateConversation(
            conversation.conversation, of: conversation.session, with: patch, at: .now())
        feeds.existingFeed(of: conversation)?.advance(to: changed.version)
        sessions.hint(conversation.session)
        return changed
    }

    /// See ``SessionStore/resetConversation(_:of:at:)``; a running answer is stopped.
    package func reset(_ conversation: ConversationReference) async throws -> Conversation {
        let changed = try await store.resetConversation(
            conversation.conversation, of: conversation.session, at: .now())
        runners.withLock { $0[conversation] }?.stop()
        feeds.existingFeed(of: conversation)?.advance(to: changed.version)
        sessions.hint(conversation.session)
        return changed
    }

    /// See ``SessionStore/deleteConversation(_:of:)``; a running answer is stopped.
    package func delete(_ conversation: ConversationReference) async throws {
        try await store.deleteConversation(conversation.conversation, of: conversation.session)
        runners.withLock { $0[conversation] }?.stop()
        feeds.existingFeed(of: conversation)?.end()
        sessions.hint(conversation.session)
    }

    /// Lets `body` follow a conversation from `cursor` on.
    package func withReader<Result>(
        of conversation: ConversationReference, from cursor: Cursor,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (inout ConversationReader) async throws -> Result
    ) async throws -> Result {
        try await feeds.withReaderFeed(of: conversation) { feed in
            var reader = ConversationReader(of: conversation, from: cursor, store: store, feed: feed)
            return try await body(&reader)
        }
    }

    /// Lets `body` follow the list of a session's conversations from `version` on.
    package func withReader<Result>(
        of session: SessionID, from version: Int, isolation: isolated (any Actor)? = #isolation,
        _ body: (inout SessionReader) async throws -> Result
    ) async throws -> Result {
        try await sessions.withFeed(of: session) { feed in
            var reader = SessionReader(of: session, from: version, store: store, feed: feed)
            return try await body(&reader)
        }
    }
}
