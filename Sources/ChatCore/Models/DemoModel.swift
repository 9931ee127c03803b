/// A model that is none: embedded, offline, always there, and plain about it.
///
/// It answers with Markdown at a human pace so that a newcomer sees a whole turn, and tests know what the
/// text must be: ``text(answering:)`` is a pure function of the prompt.
package struct DemoModel: LanguageModel {
    /// How much it says.
    package enum Length: String, Sendable, CaseIterable {
        case whole = "demo"
        case short = "demo-short"
    }

    /// Pieces a second at speed 1: about what people read.
    private static let piecesPerSecond = 25.0

    private let length: Length
    private let speed: Double

    /// - Parameter speed: 1 is a human pace, 10 is ten times as fast; 0 or less does not pause at all.
    package init(_ length: Length = .whole, speed: Double = 1) {
        self.length = length
        self.speed = speed
    }

    package var descriptor: ModelDescriptor {
        ModelDescriptor(
            id: length.rawValue, label: length == .whole ? "Demo (not a real model)" : "Demo, short answers",
            provider: "demo", contextTokensMax: 32_768, outputTokensMax: 4_096, canPrefill: true)
    }

    package func answer(
        to prompt: ModelPrompt, onDelta: @Sendable (ModelDelta) async throws -> Void
    ) async throws -> ModelFinish {
        let text = rest(answering: prompt)
        let pause = speed > 0 ? Duration.seconds(1 / (Self.piecesPerSecond * speed)) : .zero
        var pieces = 0
        for piece in Self.pieces(of: text) {
            if pause > .zero { try await Task.sleep(for: pause) } else { try Task.checkCancellation() }
            try await onDelta(.text(piece))
            pieces += 1
        }
        let words = prompt.messages.reduce(0) { $0 + $1.text.split(whereSeparator: \.isWhitespace).count }
        return ModelFinish(stopReason: "stop", usage: Message.Usage(inputTokens: words, outputTokens: pieces))
    }

    /// What is still to be said: all, or what follows the part of the answer at the end of the prompt.
    private func rest(answering prompt: ModelPrompt) -> String {
        let whole = text(answering: prompt)
        guard let partial = prompt.messages.last, partial.role == .assistant,
            whole.utf8.starts(with: partial.text.utf8)
        else { return whole }
        return String(whole.utf8.dropFirst(partial.text.utf8.count)) ?? whole
    }

    /// The whole answer to the last prompt in `prompt`, before it is said.
    package func text(answering prompt: ModelPrompt) -> String {
        let prompts = prompt.messages.filter { $0.role == .user }
        let asked = prompts.last?.text ?? ""
        let words = asked.split(whereSeparator: \.isWhitespace).count
        let turns = prompts.count
        let quote = Self.quote(asked)
        switch length {
        case .short:
            return "You said: \(quote). That was turn \(turns), \(words) \(words == 1 ? "word" : "words")."
        case .whole:
            return """
                I am Stoa's **demo model**: a few paragraphs built into the server, not a language model. \
                I am here so that you can try the chat without a key or a network.

                You wrote \(quote), which is \(words) \(words == 1 ? "word" : "words") in turn \(turns) of \
                this conversation. While you read this, every piece of it is being stored on the volume:

                1. Refresh the page, and this answer goes on.
                2. Open a second window: it shows the same conversation.
                3. Stop the server and start it again: everything you saw is still there.

                | What | Where it lives |
                | --- | --- |
                | Your key | this browser's `localStorage` |
                | Your messages | a SQLite database on the shared volume |
                | The servers | anywhere, as many as you like |

                To talk to a real model, point Stoa at any OpenAI-compatible server:

                ```sh
                OPENAI_BASE_URL=http://127.0.0.1:8080/v1 deploy/run.sh
                ```

                That is all I can say, whatever you ask next.
                """
        }
    }

    /// The prompt's first line, short, and without characters that mean something in Markdown.
    private static func quote(_ text: String) -> String {
        let line = text.drop(while: \.isWhitespace).prefix(while: { !$0.isNewline })
        let plain = line.filter { !"`*_[]<>|\\#&~".contains($0) }
        return plain.count > 80 ? "“\(plain.prefix(79))…”" : "“\(plain)”"
    }

    /// `text` in words, each with the space before it: put together they are `text` again.
    private static func pieces(of text: String) -> [String] {
        var pieces: [String] = []
        var piece = ""
        var isInWord = false
        for character in text {
            if character.isWhitespace, isInWord {
                pieces.append(piece)
                piece = ""
            }
            isInWord = !character.isWhitespace
            piece.append(character)
        }
        return piece.isEmpty ? pieces : pieces + [piece]
    }
}
