import Synchronization

/// How many answers a task writes at once; one more is told `busy` before anything is stored.
package struct AnswerLimits: Hashable, Sendable {
    /// Of all sessions.
    package var perTaskMax = Limits.runningAnswersPerTaskMax
    /// Of one session, so that one browser cannot take what all share.
    package var perSessionMax = Limits.runningAnswersPerSessionMax

    /// The defaults above.
    package init() {}
}

/// Ends answers that nobody writes any more: their task died, or it lost them without being able to say so.
///
/// No heartbeat is involved. A task is alive as long as it holds its lock (``TaskLiveness``); of its own
/// answers this task knows which ones it writes.
package final class AbandonedAnswers: Sendable {
    private let store: any SessionStore
    private let liveness: any TaskLiveness
    private let task: TaskID
    private let limits: AnswerLimits
    private let claims = Mutex<[MessageID: Claim]>([:])

    /// Who works at an answer on this task.
    private struct Claim {
        let session: SessionID
        var holders = 0
        /// The epochs in which it was taken up. Kept while anybody holds the claim, so that a request that
        /// was answered before the answer ended cannot take it up a second time.
        var epochs: Set<Int> = []
    }

    /// For the task `task`.
    package init(
        store: any SessionStore, liveness: any TaskLiveness, task: TaskID, limits: AnswerLimits
    ) {
        self.store = store
        self.limits = limits
        self.liveness = liveness
        self.task = task
    }

    /// This task is going to write `answer`, or to find out whether it does; said before the answer is
    /// stored, so that nobody here takes it for abandoned. Each claim is given back with ``release(_:)``.
    /// - Throws: ``ChatError/Code/busy`` when this task writes as many others as its limits allow.
    package func claim(_ answer: MessageID, of session: SessionID) throws {
        try claims.withLock { claims in
            if claims[answer] == nil {
                guard claims.count < limits.perTaskMax else { throw ChatError.busy("This server") }
                guard claims.values.count(where: { $0.session == session }) < limits.perSessionMax else {
                    throw ChatError(
                        .busy, "Too many answers of yours are being written. Wait until one of them is done.",
                        retryAfterMilliseconds: 2_000)
                }
            }
            claims[answer, default: Claim(session: session)].holders += 1
        }
    }

    /// Gives a claim back.
    package func release(_ answer: MessageID) {
        claims.withLock { claims in
            claims[answer]?.holders -= 1
            if claims[answer]?.holders == 0 { claims[answer] = nil }
        }
    }

    /// Who holds a claim begins to write.
    /// - Returns: false when somebody else on this task did, in this epoch.
    package func takeUp(_ answer: MessageID, epoch: Int) -> Bool {
        claims.withLock { $0[answer]?.epochs.insert(epoch).inserted ?? false }
    }

    /// Whether this task writes `answer`.
    package func isWrittenHere(_ answer: MessageID) -> Bool { claims.withLock { $0[answer] != nil } }

    /// How many answers this task writes.
    package var writtenCount: Int { claims.withLock { $0.count } }

    /// Marks a running answer as interrupted if nobody writes it any more.
    /// - Returns: whether it was marked by this call.
    /// - Throws: what the store and the liveness check throw; nothing is changed then.
    package func settle(_ answer: AnswerReference, ownedBy owner: AnswerOwner) async throws -> Bool {
        if owner.task == task {
            guard !isWrittenHere(answer.message) else { return false }
        } else {
            guard try await !liveness.isAlive(owner.task) else { return false }
        }
        return try await store.interrupt(answer, ownedBy: owner, at: .now())
    }

    /// As ``settle(_:ownedBy:)`` for a message that was read.
    package func settle(_ message: Message, in conversation: ConversationReference) async throws -> Bool {
        guard message.state == .running, let owner = message.owner else { return false }
        return try await settle(AnswerReference(conversation, message: message.id), ownedBy: owner)
    }
}

extension AnswerReference {
    package init(_ conversation: ConversationReference, message: MessageID) {
        self.init(session: conversation.session, conversation: conversation.conversation, message: message)
    }
}
