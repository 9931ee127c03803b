import ChatCore
import Testing

@Suite("What a model is asked")
struct ModelPromptTests {
    private let model = ModelDescriptor(id: "m", label: "M", provider: "test")

    private func message(_ role: Message.Role, _ text: String, _ state: Message.State = .complete) -> Message
    {
        let now = Timestamp(milliseconds: 0)
        return Message(
            id: .random(), role: role, position: 1, text: text, state: state, created: now, updated: now,
            version: 1)
    }

    private func roles(_ prompt: ModelPrompt) -> [Message.Role] { prompt.messages.map(\.role) }

    @Test("a clean history stays as it is")
    func clean() {
        let prompt = ModelPrompt(
            history: [message(.user, "a"), message(.assistant, "b"), message(.user, "c")], systemPrompt: "s",
            model: model)
        #expect(prompt.system == "s")
        #expect(prompt.messages.map(\.text) == ["a", "b", "c"])
    }

    @Test("an answer that never said anything disappears, and its prompt joins the next")
    func emptyAnswer() {
        let prompt = ModelPrompt(
            history: [message(.user, "a"), message(.assistant, "", .interrupted), message(.user, "b")],
            systemPrompt: nil, model: model)
        #expect(prompt.messages == [.init(role: .user, text: "a\n\nb")])
    }

    @Test("what was cut off is kept and labelled")
    func labelled() {
        let prompt = ModelPrompt(
            history: [message(.user, "a"), message(.assistant, "half", .interrupted), message(.user, "b")],
            systemPrompt: nil, model: model)
        #expect(prompt.messages[1].text.hasPrefix("half\n\n["))
    }

    @Test("an answer that goes on is the last message, or is asked for in words, and stays in the window")
    func continuing() {
        let able = ModelDescriptor(
            id: "m", label: "M", provider: "test", contextTokensMax: 40, outputTokensMax: 10,
            canPrefill: true)
        let long = String(repeating: "x", count: 200)
        let history = [message(.user, long), message(.assistant, long), message(.user, "a")]
        let prefilled = ModelPrompt(history: history, continuing: "half", systemPrompt: nil, model: able)
        #expect(prefilled.messages.map(\.text) == ["a", "half"] && prefilled.messages[1].role == .assistant)
        let asked = ModelPrompt(
            history: Array(history.suffix(1)), continuing: long, systemPrompt: nil, model: model)
        #expect(asked.messages.map(\.text) == ["a", long, ModelPrompt.continuation])
        #expect(roles(asked) == [.user, .assistant, .user])
        let nothing = ModelPrompt(
            history: Array(history.suffix(1)), continuing: " \n", systemPrompt: nil, model: able)
        #expect(nothing.messages.map(\.text) == ["a"])
    }

    @Test("the window is cut from the oldest turn on, and the last prompt always stays")
    func window() {
        let small = ModelDescriptor(
            id: "m", label: "M", provider: "test", contextTokensMax: 200, outputTokensMax: 40)
        var history: [Message] = []
        for index in 0..<20 {
            history.append(message(.user, "\(index) " + String(repeating: "x", count: 40)))
            history.append(message(.assistant, String(repeating: "y", count: 40)))
        }
        history.append(message(.user, "last"))
        let prompt = ModelPrompt(history: history, systemPrompt: nil, model: small)
        #expect(prompt.messages.last?.text == "last")
        #expect(prompt.messages.first?.role == .user)
        #expect(prompt.messages.reduce(0) { $0 + TokenEstimate.tokens(of: $1) } <= 160)
        #expect(prompt.messages.count > 1)

        let huge = message(.user, String(repeating: "z", count: 10_000))
        #expect(ModelPrompt(history: history + [huge], systemPrompt: nil, model: small).messages.count == 1)
    }

    @Test("a token is estimated for three bytes of ASCII, for two of the rest, and eight a message")
    func estimate() {
        #expect(TokenEstimate.tokens(of: "") == 0)
        #expect(TokenEstimate.tokens(of: "abcd") == 2)
        #expect(TokenEstimate.tokens(of: "äöü") == 3)
        #expect(TokenEstimate.tokens(of: "日本") == 3)
        #expect(TokenEstimate.tokens(of: ModelPrompt.Message(role: .user, text: "abc")) == 9)
    }

    @Test("a prompt that was too long loses its older half, again and again, down to the last question")
    func shortening() {
        var messages: [ModelPrompt.Message] = []
        for index in 0..<8 {
            messages.append(.init(role: .user, text: "question \(index)"))
            messages.append(.init(role: .assistant, text: "answer \(index)"))
        }
        let begun = [
            ModelPrompt.Message(role: .user, text: "last"), .init(role: .assistant, text: "half"),
            .init(role: .user, text: ModelPrompt.continuation),
        ]
        for end in [Array(begun.prefix(1)), Array(begun.prefix(2)), begun] {
            var prompt = ModelPrompt(system: "s", messages: messages + end)
            var counts = [prompt.messages.count - end.count]
            while let shorter = prompt.shortened() {
                #expect(shorter.messages.first?.role == .user && shorter.system == "s")
                #expect(shorter.messages.suffix(end.count) == end[...])
                prompt = shorter
                counts.append(prompt.messages.count - end.count)
            }
            #expect(counts == [16, 8, 4, 2, 0])
        }
    }

    @Test("any history becomes user first, user last, alternating, nothing blank", arguments: 0..<50)
    func anything(seed: Int) {
        var random = SystemRandomNumberGenerator()
        let history = (0..<Int.random(in: 1..<30, using: &random)).map { _ in
            message(
                Bool.random(using: &random) ? .user : .assistant,
                ["", " \n", "text"].randomElement(using: &random) ?? "",
                Message.State.allCases.randomElement(using: &random) ?? .complete)
        }
        let prompt = ModelPrompt(history: history + [message(.user, "end")], systemPrompt: nil, model: model)
        #expect(prompt.messages.first?.role == .user)
        #expect(prompt.messages.last?.role == .user)
        #expect(zip(roles(prompt), roles(prompt).dropFirst()).allSatisfy { $0 != $1 })
        #expect(prompt.messages.allSatisfy { !$0.text.allSatisfy(\.isWhitespace) })
    }

    @Test("the demo model says what it announces, whatever its speed")
    func demo() async throws {
        let prompt = ModelPrompt(system: nil, messages: [.init(role: .user, text: "Hello *there* <b>")])
        for length in DemoModel.Length.allCases {
            let demo = DemoModel(length, speed: 0)
            let said = Collector()
            let finish = try await demo.answer(to: prompt) { delta in
                if case .text(let text) = delta { await said.add(text) }
            }
            #expect(await said.text == demo.text(answering: prompt))
            #expect(await said.text.contains("“Hello there b”"))
            #expect(finish.usage?.inputTokens == 3)
        }
    }

    @Test("the demo model goes on from where it was cut off, wherever that was")
    func demoGoesOn() async throws {
        let asked = [ModelPrompt.Message(role: .user, text: "Hello")]
        let whole = DemoModel(.short).text(answering: ModelPrompt(system: nil, messages: asked))
        for count in [1, 9, 10, 11, whole.count - 1] {
            let partial = ModelPrompt.Message(role: .assistant, text: String(whole.prefix(count)))
            let said = Collector()
            _ = try await DemoModel(.short, speed: 0).answer(
                to: ModelPrompt(system: nil, messages: asked + [partial])
            ) { delta in
                if case .text(let text) = delta { await said.add(text) }
            }
            #expect(partial.text + (await said.text) == whole)
        }
    }
}

private actor Collector {
    private(set) var text = ""
    func add(_ piece: String) { text += piece }
}
