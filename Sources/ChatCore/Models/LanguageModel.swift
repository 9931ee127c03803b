/// Answers prompts, a piece at a time.
///
/// The contract, for every provider:
/// - `onDelta` is called in order, never concurrently, and never after `answer` returned or threw; awaiting
///   it is the back pressure: a provider must not read on while it waits.
/// - An error thrown by `onDelta` ends the answer and is thrown on unchanged.
/// - Cancelling the task that awaits `answer` closes the connection to the provider at once; `answer` then
///   throws `CancellationError` or a ``ModelError``.
/// - Retries happen inside, bounded, and only before the first delta.
/// - Every wait has a deadline: for the connection, the first token, the gap between tokens, and the whole.
package protocol LanguageModel: Sendable {
    /// What clients see of it.
    var descriptor: ModelDescriptor { get }

    /// Asks the model.
    /// - Parameters:
    ///   - prompt: a repaired history.
    ///   - onDelta: takes each piece of the answer, none of them empty.
    /// - Returns: how the model ended.
    /// - Throws: ``ModelError``, `CancellationError`, or what `onDelta` threw.
    func answer(
        to prompt: ModelPrompt, onDelta: @Sendable (ModelDelta) async throws -> Void
    ) async throws -> ModelFinish
}

/// What clients see of a model.
package struct ModelDescriptor: Hashable, Sendable {
    /// Unique in a catalogue.
    package let id: String
    /// For people.
    package let label: String
    /// `demo`, `openai`, `bedrock`.
    package let provider: String
    /// Tokens of prompt and answer together; nil when unknown.
    package let contextTokensMax: Int?
    /// Tokens of an answer; nil leaves it to the provider.
    package let outputTokensMax: Int?
    /// Whether it goes on from an assistant's message at the end of a prompt. One that does not is asked to
    /// in words.
    package let canPrefill: Bool

    /// Makes the value.
    package init(
        id: String, label: String, provider: String, contextTokensMax: Int? = nil,
        outputTokensMax: Int? = nil, canPrefill: Bool = false
    ) {
        self.id = id
        self.label = label
        self.provider = provider
        self.contextTokensMax = contextTokensMax
        self.outputTokensMax = outputTokensMax
        self.canPrefill = canPrefill
    }
}

/// What a model is asked: a history that begins with the user, alternates, and ends with the user, or with
/// the part of an answer that is to go on, for a model that can do that (``ModelDescriptor/canPrefill``).
package struct ModelPrompt: Hashable, Sendable {
    /// One message of the history.
    package struct Message: Hashable, Sendable {
        package let role: ChatCore.Message.Role
        package let text: String

        package init(role: ChatCore.Message.Role, text: String) {
            self.role = role
            self.text = text
        }
    }

    /// What the model is told before the first message.
    package let system: String?
    /// User first, alternating, none blank.
    package let messages: [Message]

    /// Makes the value; ``ModelPrompt/init(history:systemPrompt:model:)`` makes a repaired one from a
    /// conversation.
    package init(system: String?, messages: [Message]) {
        self.system = system
        self.messages = messages
    }
}

/// A piece of an answer.
package enum ModelDelta: Hashable, Sendable {
    /// Text of the answer.
    case text(String)
    /// What the model thought aloud; never mixed into the answer.
    case reasoning(String)
}

/// How a model ended.
package struct ModelFinish: Hashable, Sendable {
    /// In the provider's words: `stop`, `end_turn`, `length`, `max_tokens` …
    package let stopReason: String?
    /// Nil when the provider does not tell.
    package let usage: Message.Usage?

    /// Makes the value.
    package init(stopReason: String?, usage: Message.Usage? = nil) {
        self.stopReason = stopReason
        self.usage = usage
    }
}
