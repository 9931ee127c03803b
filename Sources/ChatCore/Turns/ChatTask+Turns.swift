import Synchronization

extension ChatTask {
    /// Stores a prompt and begins its answer; returns when both are durable.
    ///
    /// The answer goes on if the caller goes away. The same prompt id again returns the same turn, and takes
    /// it up if this task stored it but could not begin it.
    /// - Parameter model: nil takes the conversation's, then the default.
    /// - Throws: ``ChatError/Code/busy`` when too many answers run here, ``ChatError/Code/invalid`` for an
    ///   unknown model, and as ``SessionStore/beginTurn(_:in:of:at:)``.
    package func beginTurn(
        promptID: MessageID, text: String, model: String?, replacing replaced: MessageID? = nil,
        in conversation: ConversationReference
    ) async throws -> Turn {
        try TextRule.prompt.check(text)
        let answerID = MessageID.random()
        return try await take(answerID, in: conversation) {
            let new = try NewTurn(
                promptID: promptID, text: text, model: try await self.model(model, for: conversation),
                replacing: replaced, answerID: answerID,
                owner: AnswerOwner(task: self.id, host: self.host, epoch: 1))
            return try await self.makingWay(in: conversation) {
                try await self.store.beginTurn(
                    new, in: conversation.conversation, of: conversation.session, at: .now())
            }
        }
    }

    /// Asks again for the prompt that `message` is or answers.
    /// - Parameters:
    ///   - answerID: the new answer's, chosen by the client: sent twice, it is one answer.
    ///   - model: nil takes the conversation's, then the default.
    /// - Throws: as ``beginTurn(promptID:text:model:replacing:in:)`` and
    ///   ``SessionStore/retryAnswer(_:in:of:at:)``.
    package func retryAnswer(
        to message: MessageID, answerID: MessageID, model: String?, in conversation: ConversationReference
    ) async throws -> Turn {
        try await take(answerID, in: conversation) {
            let retry = try Retry(
                of: message, answerID: answerID, model: try await self.model(model, for: conversation),
                owner: AnswerOwner(task: self.id, host: self.host, epoch: 1))
            return try await self.makingWay(in: conversation) {
                try await self.store.retryAnswer(
                    retry, in: conversation.conversation, of: conversation.session, at: .now())
            }
        }
    }

    /// Lets an answer that was cut off go on from the text it has.
    /// - Parameter version: the answer's version as the caller has seen it; see ``Continuation``.
    /// - Throws: ``ChatError/Code/busy`` when too many answers run here, ``ChatError/Code/invalid`` when its
    ///   model is no longer offered, and as ``SessionStore/continueAnswer(_:in:of:at:)``.
    package func continueAnswer(
        _ answer: MessageID, version: Int, in conversation: ConversationReference
    ) async throws -> Turn {
        let continuation = Continuation(answer: answer, version: version, task: id, host: host)
        return try await take(answer, in: conversation) {
            let page = try await self.store.conversation(
                conversation.conversation, of: conversation.session, before: nil, limit: 1)
            // Asked before anything is stored: an answer that nobody can write must not begin to run.
            if let last = page.messages.last, last.id == answer { _ = try self.catalogue.model(last.model) }
            return try await self.makingWay(in: conversation) {
                try await self.store.continueAnswer(
                    continuation, in: conversation.conversation, of: conversation.session, at: .now())
            }
        }
    }

    /// The id of the model to ask: the one that was chosen, else the conversation's, else the default.
    private func model(_ chosen: String?, for conversation: ConversationReference) async throws -> String {
        let page = try await store.conversation(
            conversation.conversation, of: conversation.session, before: nil, limit: 1)
        return try catalogue.model(chosen ?? page.conversation.model).descriptor.id
    }

    // MARK: Running

    /// Stores a turn whose answer will be `answerID` and runs it.
    ///
    /// The client may leave at any moment, and a cancelled store call between "stored" and "begun" would
    /// leave an answer that nobody writes: so the work is done by a job of this task, and the client waits
    /// for its outcome.
    private func take(
        _ answerID: MessageID, in conversation: ConversationReference,
        storing: @escaping @Sendable () async throws -> Turn
    ) async throws -> Turn {
        guard !hasLeft else { throw ChatError.closed }
        return try await withCheckedThrowingContinuation { outcome in
            let result = submitNamed {
                // Claimed before it is stored: a reader who finds it between the two must not take it for
                // abandoned.
                do {
                    try self.abandoned.claim(answerID, of: conversation.session)
                } catch {
                    return outcome.resume(throwing: error)
                }
                defer { self.abandoned.release(answerID) }
                let turn: Turn
                do {
                    turn = try await storing()
                } catch {
                    outcome.resume(throwing: error)
                    if let turn = await self.turnInDoubt(answerID, in: conversation, after: error) {
                        await self.takeUp(turn, in: conversation)
                    }
                    return
                }
                outcome.resume(returning: turn)
                self.sessions.hint(conversation.session)
                await self.takeUp(turn, in: conversation)
                self.sessions.hint(conversation.session)
            }
            if case .terminated = result { outcome.resume(throwing: ChatError.closed) }
        }
    }

    /// Hands work to this task, which goes on in the name of the request that began it.
    private func submitNamed(
        _ job: @escaping @Sendable () async -> Void
    ) -> AsyncStream<@Sendable () async -> Void>.Continuation.YieldResult {
        let request = RequestName.current
        return submit.yield { await RequestName.$current.withValue(request) { await job() } }
    }

    /// Does `body`; an answer in its way whose task died is settled first.
    private func makingWay(
        in conversation: ConversationReference, _ body: () async throws -> Turn
    ) async throws -> Turn {
        do {
            return try await body()
        } catch let error as ChatError where error.code == .answerRunning {
            let page = try await store.conversation(
                conversation.conversation, of: conversation.session, before: nil, limit: 1)
            guard let running = page.messages.last, try await abandoned.settle(running, in: conversation)
            else {
                throw error
            }
            return try await body()
        }
    }

    /// Runs a turn that is this task's, unless it runs here already. A repeated one may be this task's
    /// without running, when the store's reply got lost.
    private func takeUp(_ turn: Turn, in conversation: ConversationReference) async {
        guard turn.answer.state == .running, let owner = turn.answer.owner, owner.task == id,
            let model = try? catalogue.model(turn.answer.model),
            (try? abandoned.claim(turn.answer.id, of: conversation.session)) != nil
        else { return }
        defer { abandoned.release(turn.answer.id) }
        guard abandoned.takeUp(turn.answer.id, epoch: owner.epoch) else { return }
        await feeds.withFeed(of: conversation) { feed in
            let runner = TurnRunner(
                turn, in: conversation, model: model, store: store, feed: feed, report: report)
            await whenPredecessorIsGone(in: conversation) { runners.withLock { $0[conversation] = runner } }
            if isDrained.withLock({ $0 }) { runner.leave() }
            await runner.run()
            runners.withLock { if $0[conversation] === runner { $0[conversation] = nil } }
        }
    }

    /// A runner that still is here has stored its end or lost its answer, and is on its way out: two at once
    /// would tell the feed different things.
    private func whenPredecessorIsGone(in conversation: ConversationReference, _ body: () -> Void) async {
        let attemptsMax = Limits.predecessorWaitMilliseconds / Limits.deltaIntervalMilliseconds
        for _ in 0..<attemptsMax where runners.withLock({ $0[conversation] != nil }) {
            try? await Task.sleep(for: .milliseconds(Limits.deltaIntervalMilliseconds))
        }
        body()
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
