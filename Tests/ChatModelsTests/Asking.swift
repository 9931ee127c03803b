import ChatCore
import Synchronization
import Testing

@testable import ChatModels

/// What came of one question.
struct Outcome: Sendable {
    var text = ""
    var reasoning = ""
    var finish: ModelFinish?
    var error: (any Error)?

    var kind: ModelError.Kind? { (error as? ModelError)?.kind }
    var detail: String { (error as? ModelError)?.detail ?? "" }
}

enum Asking {
    static let prompt = ModelPrompt(system: nil, messages: [.init(role: .user, text: "Hi")])

    /// Settings that fail before a test's time limit; what tests a deadline sets its own.
    static func settings(_ change: (inout OpenAIModel.Settings) -> Void = { _ in }) -> OpenAIModel.Settings {
        var settings = OpenAIModel.Settings(model: "m")
        settings.deadlines.firstTokenMilliseconds = 20_000
        settings.deadlines.gapMilliseconds = 20_000
        settings.deadlines.wholeMilliseconds = 40_000
        settings.retries.firstDelayMilliseconds = 10
        change(&settings)
        return settings
    }

    /// Runs `body` with connections that are shut down afterwards.
    static func withHTTP<T>(_ body: (ModelHTTPClient) async throws -> T) async throws -> T {
        let http = ModelHTTPClient(connectMilliseconds: 20_000)
        do {
            let result = try await body(http)
            await http.shutdown()
            return result
        } catch {
            await http.shutdown()
            throw error
        }
    }

    static func model(
        _ baseURL: String, _ settings: OpenAIModel.Settings, http: ModelHTTPClient, key: String? = "sk-secret"
    ) throws -> OpenAIModel {
        let endpoint = try #require(OpenAIEndpoint(baseURL: baseURL, key: key))
        let descriptor = ModelDescriptor(id: "m", label: "M", provider: "openai")
        return OpenAIModel(descriptor: descriptor, endpoint: endpoint, settings: settings, http: http)
    }

    /// Asks once and keeps what came, also before an error.
    static func ask(
        _ model: some LanguageModel, _ prompt: ModelPrompt = prompt,
        onDelta: @escaping @Sendable (ModelDelta) async throws -> Void = { _ in }
    ) async -> Outcome {
        let outcome = Mutex(Outcome())
        do {
            let finish = try await model.answer(to: prompt) { delta in
                outcome.withLock {
                    switch delta {
                    case .text(let text): $0.text += text
                    case .reasoning(let text): $0.reasoning += text
                    }
                }
                try await onDelta(delta)
            }
            outcome.withLock { $0.finish = finish }
        } catch {
            outcome.withLock { $0.error = error }
        }
        return outcome.withLock { $0 }
    }

    /// Asks a server that replies as scripted.
    static func ask(
        _ replies: [ScriptedServer.Step], settings: OpenAIModel.Settings = settings()
    ) async throws -> Outcome {
        try await ScriptedServer.run(replies) { server in
            try await withHTTP { http in await ask(try model(server.baseURL, settings, http: http)) }
        }
    }
}
