import ChatCore
import Testing

@testable import ChatModels

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A real model: set `STOA_LOCAL_MODEL_URL` to what `deploy/local-model.sh` prints as `OPENAI_BASE_URL`.
@Suite(
    .enabled(
        if: ProcessInfo.processInfo.environment["STOA_LOCAL_MODEL_URL"] != nil,
        "STOA_LOCAL_MODEL_URL is not set"),
    .serialized, .timeLimit(.minutes(5)))
struct LocalModelTests {
    private func model(http: ModelHTTPClient, outputTokensMax: Int = 60) throws -> OpenAIModel {
        let base = try #require(ProcessInfo.processInfo.environment["STOA_LOCAL_MODEL_URL"])
        let settings = Asking.settings {
            $0.model = "smollm2-135m"
            $0.outputTokensMax = outputTokensMax
            $0.temperature = 0
            $0.deadlines = ModelDeadlines()
        }
        return try Asking.model(base, settings, http: http, key: nil)
    }

    @Test("each turn of a conversation is answered")
    func conversation() async throws {
        try await Asking.withHTTP { http in
            let model = try model(http: http)
            var messages: [ModelPrompt.Message] = []
            for text in ["Hello! My name is Ada.", "What is the capital of France?", "What is my name?"] {
                messages.append(.init(role: .user, text: text))
                let outcome = await Asking.ask(
                    model, ModelPrompt(system: "Answer in one sentence.", messages: messages))
                #expect(outcome.error == nil)
                #expect(["stop", "length"].contains(outcome.finish?.stopReason))
                #expect(!outcome.text.isEmpty)
                print("> \(text)\n\(outcome.text)\n")
                messages.append(.init(role: .assistant, text: outcome.text))
            }
        }
    }

    @Test("a second question waits, and both answers are whole")
    func twoAtOnce() async throws {
        try await Asking.withHTTP { http in
            let model = try model(http: http)
            async let one = Asking.ask(model)
            async let two = Asking.ask(model)
            for outcome in await [one, two] {
                #expect(outcome.error == nil && outcome.finish?.stopReason != nil)
            }
        }
    }

    @Test("stopping in the middle frees the server for the next question")
    func stopped() async throws {
        try await Asking.withHTTP { http in
            struct Enough: Error {}
            let long = try model(http: http, outputTokensMax: 1_000)
            let prompt = ModelPrompt(
                system: nil, messages: [.init(role: .user, text: "Tell me a long story about the sea.")])
            let outcome = await Asking.ask(long, prompt) { _ in throw Enough() }
            #expect(outcome.error is Enough && !outcome.text.isEmpty)
            let start = ContinuousClock.now
            #expect(await Asking.ask(try model(http: http, outputTokensMax: 5)).error == nil)
            #expect(ContinuousClock.now - start < .seconds(10))
        }
    }

    @Test("a prompt past the window is an empty stream, and said to be perhaps too long")
    func tooLong() async throws {
        try await Asking.withHTTP { http in
            let text = String(repeating: "All work and no play makes Jack a dull boy. ", count: 400)
            let prompt = ModelPrompt(system: nil, messages: [.init(role: .user, text: text)])
            let outcome = await Asking.ask(try model(http: http), prompt)
            #expect(outcome.kind == .tooLong && outcome.detail.contains("window"), "\(outcome)")
        }
    }
}
