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

    private let feeds: ConversationFeeds
    private let abandoned: AbandonedAnswers
    private let runners = Mutex<[ConversationReference: TurnRunner]>([:])
    private let isLeaving = Mutex(false)
    private let jobs: AsyncStream<@Sendable () async -> Void>
    private let submit: AsyncStream<@Sendable () async -> Void>.Continuation
    private let report: @Sendable (TurnReport) -> Void

    /// A task that is not running yet: ``run(drain:)`` does.
    /// - Parameter report: is told of every turn that ended here.
    package init(
        id: TaskID, host: String, store: any SessionStore, catalogue: ModelCatalogue,
        liveness: any TaskLiveness,
        report: @escaping @Sendable (TurnReport) -> Void = { _ in }
    ) {
        self.id = id
        self.host = host
        self.store = store
        self.catalogue = catalogue
        self.report = report
        abandoned = AbandonedAnswers(store: store, liveness: liveness, task: id)
        feeds = ConversationFeeds(store: store, settler: abandoned)
        (jobs, submit) = AsyncStream.makeStream()
    }

    // MARK: Life

    /// Runs turns and looks for other tasks' changes until ``leave()``, then lets running answers go on for
    /// at most `drain` and stores what is left as interrupted.
    package func run(drain: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.feeds.run() }
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
        for runner in runners.withLock({ Array($0.values) }) { runner.leave() }
    }

    // MARK: Turns

    /// Stores a prompt and begins its answer; returns when both are durable.
    ///
    /// The answer goes on if the caller goes away. The same prompt id again returns the same turn, and takes
    /// it up if this task stored it but could not begin it.
    /// - Parameter model: nil takes the conversation's, then the default.
    /// - Throws: ``ChatError/Code/busy`` when too many answers run here, ``ChatError/Code/invalid`` for an
    ///   unknown model, and as ``SessionStore/beginTurn(_:in:of:at:)``.
    package func beginTurn(
        promptID: MessageID, text: String, model: String?, in conversation: ConversationReference
    ) async throws -> Turn {
        try TextRule.prompt.check(text)
        guard !hasLeft else { throw ChatError.closed }
        // The client may leave at any moment, and a cancelled store call between "stored" and "begun" would
        // leave an answer that nobody writes: so the work is done by a job of this task, and the client waits
        // for its outcome.
        return try await withCheckedThrowingContinuation { continuation in
            let result = submit.yield {
                await self.takeTurn(promptID, text, model, conversation) { continuation.resume(with: $0) }
            }
            if case .terminated = result { continuation.resume(throwing: ChatError.closed) }
        }
    }

    private func takeTurn(
        _ promptID: MessageID, _ text: String, _ model: String?, _ conversation: ConversationReference,
        answer: (Result<Turn, any Error>) -> Void
    ) async {
        let answerID = MessageID.random()
        // Claimed before it is stored: a reader who finds it between the two must not take it for abandoned.
        guard abandoned.claim(answerID) else { return answer(.failure(ChatError.busy("This server"))) }
        defer { abandoned.release(answerID) }
        do {
            let page = try await store.conversation(
                conversation.conversation, of: conversation.session, before: nil, limit: 1)
            let model = try catalogue.model(model ?? page.conversation.model)
            let new = try NewTurn(
                promptID: promptID, text: text, model: model.descriptor.id, answerID: answerID,
                owner: AnswerOwner(task: id, host: host, epoch: 1))
            let turn = try await begin(new, in: conversation)
            answer(.success(turn))
            if !turn.isRepeated {
                await run(turn, model, conversation)
            } else {
                await adopt(turn, conversation)
            }
        } catch {
            answer(.failure(error))
        }
    }

    /// Begins a turn; an answer in the way whose task died is settled first.
    private func begin(_ turn: NewTurn, in conversation: ConversationReference) async throws -> Turn {
        do {
            return try await store.beginTurn(
                turn, in: conversation.conversation, of: conversation.session, at: .now())
        } catch let error as ChatError where error.code == .answerRunning {
            let page = try await store.conversation(
                conversation.conversation, of: conversation.session, before: nil, limit: 1)
            guard let running = page.messages.last, try await abandoned.settle(running, in: conversation)
            else {
                throw error
            }
            return try await store.beginTurn(
                turn, in: conversation.conversation, of: conversation.session, at: .now())
        }
    }

    /// Takes up a repeated turn that this task stored without learning of it, as when the volume was away for
    /// a moment.
    private func adopt(_ turn: Turn, _ conversation: ConversationReference) async {
        guard turn.answer.state == .running, turn.answer.owner?.task == id,
            let model = try? catalogue.model(turn.answer.model), abandoned.claim(turn.answer.id)
        else { return }
        defer { abandoned.release(turn.answer.id) }
        await run(turn, model, conversation)
    }

    private func run(_ turn: Turn, _ model: any LanguageModel, _ conversation: ConversationReference) async {
        await feeds.withFeed(of: conversation) { feed in
            let runner = TurnRunner(
                turn, in: conversation, model: model, store: store, feed: feed, report: report)
            runners.withLock { $0[conversation] = runner }
            await runner.run()
            runners.withLock { if $0[conversation] === runner { $0[conversation] = nil } }
        }
    }

    /// Asks the running answer of a conversation to stop, whichever task writes it.
    /// - Returns: false when none runs.
    package func stop(_ conversation: ConversationReference) async throws -> Bool {
        guard try await store.requestStop(in: conversation.conversation, of: conversation.session) != nil
        else {
            return false
        }
        runners.withLock { $0[conversation] }?.stop()
        return true
    }

    // MARK: Conversations

    /// A page of a conversation, with answers that nobody writes any more marked as interrupted.
    package func page(
        of conversation: ConversationReference, before position: Int?, limit: Int
    ) async throws -> ConversationPage {
        let page = try await store.conversation(
            conversation.conversation, of: conversation.session, before: position, limit: limit)
        guard let running = page.messages.last(where: { $0.state == .running }),
            try await abandoned.settle(running, in: conversation)
        else { return page }
        return try await store.conversation(
            conversation.conversation, of: conversation.session, before: position, limit: limit)
    }

    /// See ``SessionStore/updateConversation(_:of:with:at:)``.
    package func update(_ conversation: ConversationReference, with patch: ConversationPatch) async throws
        -> Conversation
    {
        let changed = try await store.updateConversation(
            conversation.conversation, of: conversation.session, with: patch, at: .now())
        feeds.existingFeed(of: conversation)?.advance(to: changed.version)
        return changed
    }

    /// See ``SessionStore/resetConversation(_:of:at:)``; a running answer is stopped.
    package func reset(_ conversation: ConversationReference) async throws -> Conversation {
        let changed = try await store.resetConversation(
            conversation.conversation, of: conversation.session, at: .now())
        runners.withLock { $0[conversation] }?.stop()
        feeds.existingFeed(of: conversation)?.advance(to: changed.version)
        return changed
    }

    /// See ``SessionStore/deleteConversation(_:of:)``; a running answer is stopped.
    package func delete(_ conversation: ConversationReference) async throws {
        try await store.deleteConversation(conversation.conversation, of: conversation.session)
        runners.withLock { $0[conversation] }?.stop()
        feeds.existingFeed(of: conversation)?.end()
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
}

extension Message.Failure {
    /// What a failed answer says of an error: a ``ModelError``'s own sentence, and of anything else nothing
    /// private.
    package init(of error: any Error) {
        switch error {
        case let error as ModelError: self.init(code: error.kind.rawValue, message: error.message)
        case let error as ChatError: self.init(code: error.code.rawValue, message: error.message)
        default:
            self.init(
                code: ModelError.Kind.unavailable.rawValue, message: ModelError.Kind.unavailable.sentence)
        }
    }
}
