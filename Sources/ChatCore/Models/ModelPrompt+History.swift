extension ModelPrompt {
    /// Makes what providers accept out of what a conversation holds: user first and last, roles alternating,
    /// nothing blank, and no more than the model's window.
    ///
    /// Providers refuse anything else with an error (Bedrock: "A conversation must start with a user
    /// message", "roles must alternate", blank text). An interrupted, stopped or failed answer stays,
    /// labelled, because the user read it and may refer to it; one without text disappears. The window
    /// (``TokenEstimate``), less the room for the answer, is cut from the oldest turn on.
    ///
    /// - Parameter partial: the part of the answer that is to go on; empty for a new answer.
    package init(
        history: [ChatCore.Message], continuing partial: String = "", systemPrompt: String?,
        model: ModelDescriptor
    ) {
        var messages: [Entry] = []
        for message in history {
            let text = Self.text(of: message)
            if text.allSatisfy(\.isWhitespace) { continue }
            if let last = messages.last, last.role == message.role {
                messages[messages.count - 1] = Entry(role: last.role, text: last.text + "\n\n" + text)
            } else {
                messages.append(Entry(role: message.role, text: text))
            }
        }
        while messages.last?.role == .assistant { messages.removeLast() }
        let end = Self.end(continuing: partial, model: model)
        self.init(
            system: systemPrompt,
            messages: Self.cut(
                messages + end, keeping: end.count + 1, systemPrompt: systemPrompt, model: model))
    }

    private typealias Entry = ModelPrompt.Message

    /// What a model is told that cannot go on from its own words by itself.
    package static let continuation = """
        Your answer was cut off. Go on from exactly where it stops, in the middle of the word if need be. \
        Repeat nothing of it and say nothing about the interruption.
        """

    /// What follows the last prompt when its answer is to go on from `partial`.
    private static func end(continuing partial: String, model: ModelDescriptor) -> [Entry] {
        if partial.allSatisfy(\.isWhitespace) { return [] }
        let begun = Entry(role: .assistant, text: partial)
        return model.canPrefill ? [begun] : [begun, Entry(role: .user, text: continuation)]
    }

    private static func text(of message: ChatCore.Message) -> String {
        guard message.role == .assistant, !message.text.isEmpty else { return message.text }
        return switch message.state {
        case .complete, .running: message.text
        case .stopped: message.text + "\n\n[The user stopped this answer here.]"
        case .interrupted, .failed: message.text + "\n\n[This answer was cut off here.]"
        }
    }

    /// Drops whole turns from the front until the rest fits; the last `kept` messages stay in any case.
    private static func cut(
        _ messages: [Entry], keeping kept: Int, systemPrompt: String?, model: ModelDescriptor
    ) -> [Entry] {
        var first = messages.startIndex
        if let window = model.contextTokensMax {
            let room = max(window - (model.outputTokensMax ?? window / 4), window / 4)
            let system = systemPrompt.map { TokenEstimate.tokens(of: Entry(role: .user, text: $0)) } ?? 0
            var tokens = messages.reduce(system) { $0 + TokenEstimate.tokens(of: $1) }
            while tokens > room, first < messages.count - kept {
                tokens -= TokenEstimate.tokens(of: messages[first])
                first += 1
            }
        }
        return Array(messages[first...].drop { $0.role == .assistant })
    }
    /// The same question with the older half of what was said before it left out, for a model that found it
    /// too long; nil when nothing is left to leave out.
    package func shortened() -> ModelPrompt? {
        guard let last = messages.lastIndex(where: { $0.role == .user && $0.text != Self.continuation }),
            last > 0
        else { return nil }
        let half = messages[..<last].reduce(0) { $0 + TokenEstimate.tokens(of: $1) } / 2
        var first = 0, dropped = 0
        while first < last, dropped < half || messages[first].role == .assistant || first == 0 {
            dropped += TokenEstimate.tokens(of: messages[first])
            first += 1
        }
        return ModelPrompt(system: system, messages: Array(messages[first...]))
    }
}
