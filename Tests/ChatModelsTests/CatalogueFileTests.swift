import ChatCore
import Testing

@testable import ChatModels

@Suite struct CatalogueFileTests {
    private func read(_ text: String, environment: [String: String] = [:]) throws -> CatalogueFile {
        try CatalogueFile(Array(text.utf8), environment: environment)
    }

    @Test("a whole entry is read as written")
    func whole() throws {
        let file = try read(
            """
            {"default": "a", "models": [
              {"provider": "openai", "id": "a", "label": "A \\u00e9\\ud83d\\ude42",
               "base_url": "http://h:1/v1/", "model": "m",
               "key_env": "K", "context_tokens": 2048, "output_tokens_max": 64, "temperature": 0.5,
               "top_p": 1,
               "output_limit_field": "max_completion_tokens", "system_role": "user", "stop": ["x"],
               "usage": false, "prefill": true,
               "first_token_seconds": 1.5, "gap_seconds": 2, "whole_seconds": 3, "retries": 0},
              {"provider": "demo", "id": "demo"}]}
            """, environment: ["K": "key"])
        #expect(file.defaultID == "a")
        #expect(file.entries.count == 2 && file.entries[1] == .demo(id: "demo"))
        guard case .openAI(let entry) = file.entries[0] else {
            Issue.record("not an openai entry")
            return
        }
        #expect(entry.label == "A é🙂")
        #expect(entry.endpoint.baseURL == "http://h:1/v1" && entry.endpoint.key == "key")
        #expect(entry.contextTokensMax == 2_048 && entry.canPrefill)
        var settings = OpenAIModel.Settings(model: "m")
        settings.outputTokensMax = 64
        settings.temperature = 0.5
        settings.topP = 1
        settings.outputLimitField = .maxCompletionTokens
        settings.systemRole = .user
        settings.stop = ["x"]
        settings.asksForUsage = false
        settings.deadlines.firstTokenMilliseconds = 1_500
        settings.deadlines.gapMilliseconds = 2_000
        settings.deadlines.wholeMilliseconds = 3_000
        settings.retries.retriesMax = 0
        #expect(entry.settings == settings)
    }

    @Test("a key for one server does not go to another")
    func keys() throws {
        let environment = ["OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": "http://own/v1"]
        let file = try read(
            """
            {"models": [{"provider": "openai", "id": "a"},
              {"provider": "openai", "id": "b", "base_url": "http://other/v1"}]}
            """, environment: environment)
        let endpoints = file.entries.map { entry in
            if case .openAI(let entry) = entry { entry.endpoint } else { nil as OpenAIEndpoint? }
        }
        #expect(endpoints.map(\.?.baseURL) == ["http://own/v1", "http://other/v1"])
        #expect(endpoints.map(\.?.key) == ["sk", nil])
    }

    @Test(
        "a mistake names its line and field",
        arguments: [
            ("", "line 1: the document ends too early"), ("[]", "line 1: wants an object, not an array"),
            ("{\n\n\"models\": [],}", "line 3: a member's name in quotes is missing"),
            ("{}", "line 1: models: is missing"),
            ("{\"models\":\n[]}", "line 2: models: wants 1 to 200 entries"),
            ("{\"models\":[\n7]}", "line 2: models[0]: wants an object, not a number"),
            ("{\"models\":[\n{\"id\":\"a\"}]}", "line 2: models[0].provider: is missing"),
            (
                "{\"models\":[{\"id\":\"a\",\n\"provider\":\"x\"}]}",
                "line 2: models[0].provider: wants openai or bedrock or demo"
            ),
            ("{\"models\":[{\"id\":\"\"}]}", "line 1: models[0].id: wants 1 to 512 bytes"),
            ("{\"models\":[{\"id\":7}]}", "line 1: models[0].id: wants a string, not a number"),
            ("{\"modles\":[]}", "line 1: modles: unknown; known are default, models"),
            (
                "{\"models\":[{\"provider\":\"demo\",\"id\":\"a\"}],\"default\":\n\"b\"}",
                "line 2: default: \"b\" is not the id of a model"
            ),
            (
                "{\"models\":[{\"provider\":\"demo\",\"id\":\"a\"},\n{\"provider\":\"demo\",\"id\":\"a\"}]}",
                "line 2: models[1].id: \"a\" is there twice"
            ),
            ("{\"a\":1,\n\"a\":2}", "line 2: \"a\" is there twice"),
            ("{} x", "line 1: something follows the end of the document"),
            ("{\"a\":\"\\ud800\"}", "line 1: half a surrogate pair"),
            ("{\"a\":\"\n\"}", "line 1: a string does not end on its line"),
            (String(repeating: "[", count: 40), "line 1: nested deeper than 32"),
            ("{\"a\":tru}", "line 1: a value is missing"),
        ])
    func mistakes(text: String, message: String) {
        #expect(performing: { _ = try read(text) }, throws: { "\($0)" == message })
    }

    @Test(
        "a value out of its bounds names the field",
        arguments: [
            ("\"temperature\": 3", "temperature: wants a number from 0.0 to 2.0"),
            ("\"temperature\": \"hot\"", "temperature: wants a number from 0.0 to 2.0"),
            ("\"output_tokens_max\": 1.5", "output_tokens_max: wants a whole number from 1 to 10000000"),
            ("\"stop\": [\"a\",\"b\",\"c\",\"d\",\"e\"]", "stop: wants at most 4 strings"),
            ("\"stop\": [1]", "stop: wants strings of 1 to 200 bytes"),
            ("\"prefill\": \"yes\"", "prefill: wants true or false, not a string"),
            ("\"usage\": 1", "usage: wants true or false, not a number"),
            ("\"system_role\": \"boss\"", "system_role: wants system or developer or user"),
            ("\"key_env\": \"NOPE\"", "key_env: the environment variable NOPE is not set"),
            (
                "\"base_url\": \"ftp://x\"",
                "base_url: wants http(s)://host/path without user, query or fragment"
            ),
            (
                "\"base_url\": \"http://u:p@x/v1\"",
                "base_url: wants http(s)://host/path without user, query or fragment"
            ),
        ])
    func bounds(member: String, message: String) {
        let text = "{\"models\": [{\"provider\": \"openai\", \"id\": \"a\",\n\(member)}]}"
        #expect(performing: { _ = try read(text) }, throws: { "\($0)" == "line 2: models[0].\(message)" })
    }
}
