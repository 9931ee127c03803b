import Synchronization

/// Runs one turn: asks the model, shows its deltas to the readers on this task, keeps the store at most
/// ``Limits/flushIntervalMilliseconds`` behind. What happens when is decided by ``TurnMachine``.
package final class TurnRunner: Sendable {
    private typealias Channel<Element> = (
        stream: AsyncStream<Element>, continuation: AsyncStream<Element>.Continuation
    )

    /// What this runner writes.
    let answer: AnswerReference
    private let turn: Turn
    private let model: any LanguageModel
    private let store: any SessionStore
    private let feed: ConversationFeed
    private let machine: Mutex<TurnMachine>
    /// What the machine wants done by the loop that talks to the store, in order; the machine bounds them to
    /// a few.
    private let storeActions: Channel<TurnMachine.Action>
    /// Finishes when the model is to be cancelled.
    private let cancellation: Channel<Never>
    private let report: @Sendable (TurnReport) -> Void
    /// Why the model failed, if it did.
    private let cause = Mutex<(any Error)?>(nil)

    /// A runner for a turn that this task owns.
    /// - Parameter report: is told once how the turn ended.
    package init(
        _ turn: Turn, in conversation: ConversationReference, model: any LanguageModel,
        store: any SessionStore,
        feed: ConversationFeed, report: @escaping @Sendable (TurnReport) -> Void
    ) {
        guard let owner = turn.answer.owner else { preconditionFailure("an answer has an owner") }
        self.turn = turn
        self.model = model
        self.store = store
        self.feed = feed
        self.report = report
        answer = AnswerReference(conversation, message: turn.answer.id)
        machine = Mutex(
            TurnMachine(
                owner: owner, storedBytes: turn.answer.text.utf8.count,
                storedReasoningBytes: turn.answer.reasoning.utf8.count))
        storeActions = AsyncStream.makeStream()
        cancellation = AsyncStream.makeStream()
    }

    /// Stops the answer because a reader on this task asked to.
    package func stop() { handle(.stop) }

    /// Ends the answer as interrupted because this task is leaving.
    package func leave() { handle(.leave) }

    /// Runs the turn to its end. Cancelling the calling task abandons it: whoever reads the answer next finds
    /// it so.
    package func run() async {
        let began = ContinuousClock.now
        feed.setRunning(
            ConversationFeed.RunningText(
                message: turn.answer.id, version: turn.answer.version, owner: machine.withLock { $0.owner },
                said: turn.answer.said),
            at: turn.conversation.version)
        feed.advance(to: turn.conversation.version)
        var conclusion = TurnMachine.Conclusion.lost
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.askModel() }
            group.addTask { await self.tick() }
            conclusion = await serveStore()
            group.cancelAll()
        }
        feed.announceText()
        switch conclusion {
        case .stored(let message):
            feed.setRunning(nil, at: message.version)
            feed.advance(to: message.version)
        case .lost: feed.forgetRunning()
        }
        report(
            TurnReport(
                answer: answer, model: model.descriptor.id, conclusion: conclusion,
                duration: ContinuousClock.now - began, cause: cause.withLock { $0.map(Self.words) }))
    }

    /// What a log may say of an error. Descriptions of errors that are not ours may hold anything.
    private static func words(of error: any Error) -> String {
        switch error {
        case let error as ModelError: error.description
        case let error as ChatError: error.description
        default: String(describing: type(of: error))
        }
    }

    // MARK: Model

    /// Asks the model until it ends or the machine wants it cancelled.
    private func askModel() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    self.handle(.modelFinished(try await self.answerFromModel()))
                } catch {
                    self.cause.withLock { $0 = error }
                    self.handle(.modelFailed(Message.Failure(of: error)))
                }
            }
            group.addTask { for await _ in self.cancellation.stream {} }
            await group.next()
            group.cancelAll()
        }
    }

    private func answerFromModel() async throws -> ModelFinish {
        let history = try await store.history(
            endingWith: turn.prompt.id, in: answer.conversation, of: answer.session,
            bytesMax: Limits.historyBytesMax)
        var prompt = ModelPrompt(
            history: history, continuing: turn.answer.text, systemPrompt: turn.conversation.systemPrompt,
            model: model.descriptor)
        while true {
            do {
                return try await ask(prompt)
            } catch let error as ModelError where error.kind == .tooLong {
                // Windows are estimated, or not known at all: the model knows better.
                guard let shorter = prompt.shortened() else { throw error }
                prompt = shorter
            }
        }
    }

    private func ask(_ prompt: ModelPrompt) async throws -> ModelFinish {
        try await model.answer(to: prompt) { delta in
            try Task.checkCancellation()
            switch delta {
            case .text(let text): if !text.isEmpty { self.handle(.delta(text)) }
            case .reasoning(let text): if !text.isEmpty { self.handle(.reasoning(text)) }
            }
        }
    }

    // MARK: Time

    private func tick() async {
        let clock = ContinuousClock()
        let ticksPerFlush = Limits.flushIntervalMilliseconds / Limits.deltaIntervalMilliseconds
        var ticks = 0
        while !Task.isCancelled {
            try? await clock.sleep(for: .milliseconds(Limits.deltaIntervalMilliseconds))
            feed.announceText()
            ticks += 1
            if ticks % ticksPerFlush == 0 { handle(.flushDue) }
        }
    }

    // MARK: Machine

    /// Hands an event to the machine and performs what does not wait; store calls are left to
    /// ``serveStore()``.
    private func handle(_ event: TurnMachine.Event) {
        // The lock spans the machine and its actions, so that text and store calls keep the machine's order.
        machine.withLock { machine in
            for action in machine.handle(event) {
                switch action {
                case .publish(let said): feed.append(said, to: turn.answer.id)
                case .cancelModel: cancellation.continuation.finish()
                case .append, .finish, .conclude: storeActions.continuation.yield(action)
                }
            }
        }
    }

    /// Performs store calls one at a time until the machine concludes.
    private func serveStore() async -> TurnMachine.Conclusion {
        for await action in storeActions.stream {
            switch action {
            case .append(let part): await perform { .appended(try await store.append(part, to: answer)) }
            case .finish(let part, let end):
                await perform { .finished(try await store.finish(answer, with: part, end: end, at: .now())) }
            case .conclude(let conclusion): return conclusion
            case .publish, .cancelModel: break
            }
        }
        return .lost
    }

    private func perform(_ call: () async throws -> TurnMachine.Event) async {
        do {
            handle(try await call())
        } catch let error as ChatError where error.code == .fenced {
            handle(.fenced)
        } catch {
            handle(.storeFailed)
        }
    }
}

/// How a turn ended, for logs and metrics.
package struct TurnReport: Sendable {
    /// The request that began it, as the log names it.
    package let request = RequestName.current
    /// The answer.
    package let answer: AnswerReference
    /// The model asked.
    package let model: String
    /// How it left this task.
    package let conclusion: TurnMachine.Conclusion
    /// From its begin to its stored end.
    package let duration: Duration
    /// Of one that failed: why, for the log; holds no key and no message text.
    package let cause: String?
}
