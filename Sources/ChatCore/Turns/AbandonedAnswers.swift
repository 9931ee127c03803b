import Synchronization

/// Ends answers that nobody writes any more: their task died, or it lost them without being able to say so.
///
/// No heartbeat is involved. A task is alive as long as it holds its lock (``TaskLiveness``); of its own
/// answers this task knows which ones it writes.
package final class AbandonedAnswers: Sendable {
    private let store: any SessionStore
    private let liveness: any TaskLiveness
    private let task: TaskID
    private let written = Mutex<Set<MessageID>>([])

    /// For the task `task`.
    package init(store: any SessionStore, liveness: any TaskLiveness, task: TaskID) {
        self.store = store
        self.liveness = liveness
        self.task = task
    }

    /// This task is going to write `answer`; said before the answer is stored, so that nobody here takes it
    /// for abandoned.
    /// - Returns: false when this task writes it already, or writes ``Limits/runningAnswersPerTaskMax``
    ///   others.
    package func claim(_ answer: MessageID) -> Bool {
        written.withLock { $0.count < Limits.runningAnswersPerTaskMax && $0.insert(answer).inserted }
    }

    /// This task does not write `answer` any more.
    package func release(_ answer: MessageID) { written.withLock { _ = $0.remove(answer) } }

    /// Whether this task writes `answer`.
    package func isWrittenHere(_ answer: MessageID) -> Bool { written.withLock { $0.contains(answer) } }

    /// How many answers this task writes.
    package var writtenCount: Int { written.withLock { $0.count } }

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
