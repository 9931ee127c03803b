import Synchronization

/// Ends answers that nobody writes any more: their task died, or it lost them without being able to say so.
///
/// No heartbeat is involved. A task is alive as long as it holds its lock (``TaskLiveness``); of its own
/// answers this task knows which ones it writes.
package final class AbandonedAnswers: Sendable {
    private let store: any SessionStore
    private let liveness: any TaskLiveness
    private let task: TaskID
    private let claims = Mutex<[MessageID: Claim]>([:])

    /// Who works at an answer on this task.
    private struct Claim {
        var holders = 0
        /// The epochs in which it was taken up. Kept while anybody holds the claim, so that a request that
        /// was answered before the answer ended cannot take it up a second time.
        var epochs: Set<Int> = []
    }

    /// For the task `task`.
    package init(store: any SessionStore, liveness: any TaskLiveness, task: TaskID) {
        self.store = store
        self.liveness = liveness
        self.task = task
    }

    /// This task is going to write `answer`, or to find out whether it does; said before the answer is
    /// stored, so that nobody here takes it for abandoned. Each claim is given back with ``release(_:)``.
    /// - Returns: false when this task writes ``Limits/runningAnswersPerTaskMax`` others.
    package func claim(_ answer: MessageID) -> Bool {
        claims.withLock { claims in
            guard claims[answer] != nil || claims.count < Limits.runningAnswersPerTaskMax else {
                return false
            }
            claims[answer, default: Claim()].holders += 1
            return true
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
