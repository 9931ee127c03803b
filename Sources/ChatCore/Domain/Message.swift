/// One prompt or one answer.
package struct Message: Hashable, Sendable, Codable, Identifiable {
    /// Who wrote it.
    package enum Role: String, Hashable, Sendable, Codable {
        case user
        case assistant
    }

    /// Where an answer is in its life; a prompt is always `complete`.
    package enum State: String, Hashable, Sendable, Codable, CaseIterable {
        /// Whole.
        case complete
        /// Being written by the task ``Message/owner``.
        case running
        /// Ended by a reader; the text so far is kept.
        case stopped
        /// Its task died or left; the text so far is kept.
        case interrupted
        /// The model failed; the text so far is kept, ``Message/failure`` says why.
        case failed
    }

    /// Chosen by the client for a prompt, by the server for an answer.
    package let id: MessageID
    /// Who wrote it.
    package let role: Role
    /// Its place in the conversation: 1, 2, 3 …, never used again, not even after a reset.
    package let position: Int
    /// The text; of a running answer, what was stored so far.
    package var text: String
    /// What the model thought aloud before it answered. Never part of ``text``, and no model is told of it.
    package var reasoning: String {
        get { reasoningIfAny ?? "" }
        set { reasoningIfAny = newValue.isEmpty ? nil : newValue }
    }
    // Optional, because files from before there was reasoning have no such member.
    private var reasoningIfAny: String?
    /// Where it is in its life.
    package var state: State
    /// The model asked.
    package var model: String?
    /// Of an answer: the prompt it answers.
    package var prompt: MessageID?
    /// Of an answer: the task that writes or wrote it, and for people the host it ran on.
    package var owner: AnswerOwner?
    /// Why the model ended, in the provider's words.
    package var stopReason: String?
    /// Why it failed.
    package var failure: Failure?
    /// What the model counted.
    package var usage: Usage?
    /// When it was made.
    package let created: Timestamp
    /// When its state last changed.
    package var updated: Timestamp
    /// The conversation's version at which it was made or its state last changed.
    package var version: Int
    /// All versions of it, itself among them, in the order they were made; empty when it is the only one.
    /// Told by reads, kept elsewhere (``Branching``).
    package var alternatives: [MessageID] = []

    private enum CodingKeys: String, CodingKey {
        case id, role, position, text, state, model, prompt, owner, stopReason, failure, usage, created
        case updated, version
        case reasoningIfAny = "reasoning"
    }

    /// Why an answer failed: a code for machines and a sentence for people.
    package struct Failure: Hashable, Sendable, Codable {
        package let code: String
        package let message: String

        package init(code: String, message: String) {
            self.code = code
            self.message = message
        }
    }

    /// Tokens as the provider counted them.
    package struct Usage: Hashable, Sendable, Codable {
        package let inputTokens: Int
        package let outputTokens: Int

        package init(inputTokens: Int, outputTokens: Int) {
            self.inputTokens = inputTokens
            self.outputTokens = outputTokens
        }
    }

    /// Makes the value; storing it is the store's.
    package init(
        id: MessageID, role: Role, position: Int, text: String, reasoning: String = "", state: State,
        model: String? = nil, prompt: MessageID? = nil, owner: AnswerOwner? = nil, stopReason: String? = nil,
        failure: Failure? = nil,
        usage: Usage? = nil, created: Timestamp, updated: Timestamp, version: Int
    ) {
        self.id = id
        self.role = role
        self.position = position
        self.text = text
        self.state = state
        reasoningIfAny = reasoning.isEmpty ? nil : reasoning
        self.model = model
        self.prompt = prompt
        self.owner = owner
        self.stopReason = stopReason
        self.failure = failure
        self.usage = usage
        self.created = created
        self.updated = updated
        self.version = version
    }
}

/// Who may write an answer: a task, and the epoch in which it got it. Both must match on every write, so that
/// a task that lost its answer cannot write to it any more.
package struct AnswerOwner: Hashable, Sendable, Codable {
    /// The process.
    package let task: TaskID
    /// The host it runs on, for people.
    package let host: String
    /// Counts how often the answer was handed over.
    package let epoch: Int

    /// Makes the value.
    package init(task: TaskID, host: String, epoch: Int) {
        self.task = task
        self.host = host
        self.epoch = epoch
    }
}
