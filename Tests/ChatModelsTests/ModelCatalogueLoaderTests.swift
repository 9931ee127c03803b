import ChatCore
import Testing

@testable import ChatModels

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite(.timeLimit(.minutes(5))) struct ModelCatalogueLoaderTests {
    /// Stands for the embedded models.
    private struct Still: LanguageModel {
        let descriptor: ModelDescriptor

        init(_ id: String) { descriptor = ModelDescriptor(id: id, label: id, provider: "demo") }

        func answer(
            to prompt: ModelPrompt, onDelta: @Sendable (ModelDelta) async throws -> Void
        ) async throws -> ModelFinish { ModelFinish(stopReason: "stop") }
    }

    private func load(
        _ environment: [String: String], file: String? = nil, discoveryMilliseconds: Int = 10_000
    ) async throws -> ModelCatalogueLoader.Loaded {
        try await Asking.withHTTP { http in
            try await ModelCatalogueLoader(
                environment: environment, embedded: [Still("demo"), Still("demo-short")], http: http,
                discoveryMilliseconds: discoveryMilliseconds
            ).load(file: file)
        }
    }

    private func ids(_ loaded: ModelCatalogueLoader.Loaded) -> [String] {
        loaded.catalogue.models.map(\.descriptor.id)
    }

    @Test("an empty environment gives the embedded models, and empty variables count as not set")
    func nothing() async throws {
        for environment in [[:], ["OPENAI_BASE_URL": "", "OPENAI_API_KEY": ""]] {
            let loaded = try await load(environment)
            #expect(ids(loaded) == ["demo", "demo-short"])
            #expect(loaded.catalogue.defaultID == "demo" && loaded.warnings.isEmpty)
        }
    }

    @Test("named models come first and need no server at start")
    func named() async throws {
        let loaded = try await load([
            "OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "STOA_OPENAI_MODELS": " b , a,b,",
            "STOA_OPENAI_CONTEXT_TOKENS": "2048",
            "STOA_OPENAI_OUTPUT_TOKENS": "256", "STOA_DEFAULT_MODEL": "a",
        ])
        #expect(ids(loaded) == ["b", "a", "demo", "demo-short"])
        #expect(loaded.catalogue.defaultID == "a" && loaded.warnings.isEmpty)
        let model = try #require(loaded.catalogue.models.first as? OpenAIModel)
        #expect(model.descriptor.contextTokensMax == 2_048)
        #expect(model.settings.outputTokensMax == 256 && model.settings.outputLimitField == .maxTokens)
        #expect(model.endpoint.key == nil)
    }

    @Test("a key alone means OpenAI's own server, which wants max_completion_tokens")
    func keyAlone() async throws {
        let loaded = try await load(["OPENAI_API_KEY": "sk-x", "STOA_OPENAI_MODELS": "gpt"])
        let model = try #require(loaded.catalogue.models.first as? OpenAIModel)
        #expect(model.endpoint.baseURL == "https://api.openai.com/v1" && model.endpoint.key == "sk-x")
        #expect(model.settings.outputLimitField == .maxCompletionTokens)
        #expect(!"\(model.endpoint)".contains("sk-x") && !"\(loaded)".contains("sk-x"))
    }

    @Test("a server's list is read once, without what is no chat model")
    func discovered() async throws {
        let list = """
            {"object":"list","data":[{"id":"qwen","max_model_len":4096},{"id":"text-embedding-3"},
             {"id":"qwen"},{"x":1},
             {"id":"/models/SmolLM2.gguf","owned_by":"me","permissions":[]},{"id":"demo"}]}
            """
        try await ScriptedServer.run(Reply.status("200 OK", list)) { server in
            let loaded = try await load(["OPENAI_BASE_URL": server.baseURL, "OPENAI_API_KEY": "sk-x"])
            #expect(ids(loaded) == ["qwen", "/models/SmolLM2.gguf", "demo", "demo-short"])
            #expect(loaded.catalogue.models[0].descriptor.contextTokensMax == 4_096)
            #expect(loaded.catalogue.models[1].descriptor.label == "SmolLM2")
            #expect(server.requests.map(\.line) == ["GET /v1/models HTTP/1.1"])
            #expect(server.requests[0].headers["authorization"] == "Bearer sk-x")
        }
    }

    @Test("a server that cannot list its models is a warning, soon, and the rest works")
    func undiscovered() async throws {
        for reply in [
            [.awaitDeparture], [.close], Reply.status("401 No", "{}"), Reply.status("200 OK", "<html>"),
        ] {
            try await ScriptedServer.run(reply) { server in
                let start = ContinuousClock.now
                let environment = ["OPENAI_BASE_URL": server.baseURL, "OPENAI_API_KEY": "sk-x"]
                let loaded = try await load(environment, discoveryMilliseconds: 500)
                #expect(ids(loaded) == ["demo", "demo-short"])
                #expect(loaded.warnings.count == 1)
                #expect(
                    loaded.warnings.allSatisfy { !$0.contains("sk-x") && $0.contains("STOA_OPENAI_MODELS") })
                #expect(ContinuousClock.now - start < .seconds(5))
            }
        }
    }

    @Test(
        "a wrong variable is named",
        arguments: [
            (["OPENAI_BASE_URL": "localhost:80"], "OPENAI_BASE_URL"),
            (
                ["OPENAI_API_KEY": "k", "STOA_OPENAI_MODELS": "a", "STOA_OPENAI_CONTEXT_TOKENS": "many"],
                "STOA_OPENAI_CONTEXT_TOKENS"
            ),
            (["STOA_DEFAULT_MODEL": "nope"], "nope"),
        ])
    func wrongVariable(environment: [String: String], word: String) async {
        await #expect(performing: { _ = try await load(environment) }, throws: { "\($0)".contains(word) })
    }

    @Test("a catalogue file replaces the environment's models, and its mistakes name the file")
    func file() async throws {
        let path = FileManager.default.temporaryDirectory.appending(
            path: "stoa-catalogue-\(UUID().uuidString).json"
        ).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let text =
            #"{"default":"demo","models":[{"provider":"openai","id":"o"},{"provider":"demo","id":"demo"}]}"#
        try Data(text.utf8).write(to: URL(filePath: path))
        let loaded = try await load(["OPENAI_API_KEY": "k", "STOA_OPENAI_MODELS": "x"], file: path)
        #expect(ids(loaded) == ["o", "demo"])
        #expect(loaded.catalogue.defaultID == "demo")

        try Data("{\n\"models\": 7}".utf8).write(to: URL(filePath: path))
        await #expect(
            performing: { _ = try await load([:], file: path) },
            throws: {
                "\($0)".contains("line 2: models: wants an array, not a number") && "\($0)".contains(path)
            })
        await #expect(
            performing: { _ = try await load([:], file: path + ".absent") },
            throws: { "\($0)".contains("cannot be read") })
    }
}
