/// A prompt and the answer to it, as a client asks for it.
package struct NewTurn: Hashable, Sendable {
    /// The prompt's id, chosen by the client; the same id again is the same turn.
    package let promptID: MessageID
    /// The prompt.
    package let text: String
    /// The model to ask.
    package let model: String
    /// The earlier prompt that this one is an edited version of; what follows that one is no longer shown.
    package let replaced: MessageID?
    /// The id the answer gets, chosen by the server.
    package let answerID: MessageID
    /// The task that will write the answer.
    package let owner: AnswerOwner

    /// - Throws: ``ChatError/Code/tooLarge`` or ``ChatError/Code/invalid`` when a text breaks its rule.
    package init(
        promptID: MessageID, text: String, model: String, replacing replaced: MessageID? = nil,
        answerID: MessageID = .random(), owner: AnswerOwner
    ) throws {
        try TextRule.prompt.check(text)
        try TextRule.modelID.check(model)
        self.promptID = promptID
        self.text = text
        self.model = model
        self.replaced = replaced
        self.answerID = answerID
        self.owner = owner
    }

    /// What an untitled conversation is called after this turn: the first line of the prompt, cut at 60
    /// characters.
    package var suggestedTitle: String {
        let line = text.drop(while: \.isWhitespace).prefix(while: { !$0.isNewline })
        guard line.count > 60 else { return String(line) }
        return line.prefix(59).trimmingSuffix(while: \.isWhitespace) + "…"
    }
}

/// A prompt that is answered once more; the earlier answers stay readable as alternatives.
package struct Retry: Hashable, Sendable {
    /// The prompt, or an answer to it.
    package let message: MessageID
    /// The id of the new answer, chosen by the client; the same id again is the same answer.
    package let answerID: MessageID
    /// The model to ask.
    package let model: String
    /// The task that will write the answer.
    package let owner: AnswerOwner

    /// Makes the value.
    /// - Throws: ``ChatError/Code/tooLarge`` or ``ChatError/Code/invalid`` when the model's id breaks its
    ///   rule.
    package init(of message: MessageID, answerID: MessageID, model: String, owner: AnswerOwner) throws {
        try TextRule.modelID.check(model)
        self.message = message
        self.answerID = answerID
        self.model = model
        self.owner = owner
    }
}

/// A turn as the store holds it.
package struct Turn: Hashable, Sendable {
    /// The prompt.
    package let prompt: Message
    /// The answer, running or ended.
    package let answer: Message
    /// True when the prompt's id was known: nothing was changed.
    package let isRepeated: Bool
    /// The conversation after it.
    package let conversation: Conversation

    /// Makes the value.
    package init(prompt: Message, answer: Message, isRepeated: Bool, conversation: Conversation) {
        self.prompt = prompt
        self.answer = answer
        self.isRepeated = isRepeated
        self.conversation = conversation
    }
}

/// How an answer ended.
package struct AnswerEnd: Hashable, Sendable {
    /// Any state but `running`.
    package let state: Message.State
    /// Why the model ended, in the provider's words.
    package let stopReason: String?
    /// Why it failed; only with `failed`.
    package let failure: Message.Failure?
    /// What the model counted.
    package let usage: Message.Usage?

    /// Makes the value.
    package init(
        state: Message.State, stopReason: String? = nil, failure: Message.Failure? = nil,
        usage: Message.Usage? = nil
    ) {
        precondition(state != .running, "an answer cannot end as running")
        self.state = state
        self.stopReason = stopReason
        self.failure = failure
        self.usage = usage
    }
}

extension Substring {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var text = self
        while let last = text.last, predicate(last) { text.removeLast() }
        return String(text)
    }
}
