import ChatCore
import Testing

@testable import ChatModels

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The provider `bedrock` in a catalogue and in the environment.
@Suite(.timeLimit(.minutes(5))) struct BedrockCatalogueTests {
    private static let region = ["AWS_REGION": "eu-west-1"]

    private func entry(
        _ members: String, environment: [String: String] = region
    ) throws -> CatalogueFile.BedrockEntry {
        let text = "{\"models\": [{\"provider\": \"bedrock\", \"id\": \"a\",\n\(members)}]}"
        let file = try CatalogueFile(Array(text.utf8), environment: environment)
        guard case .bedrock(let entry) = file.entries[0] else { throw ChatError(.invalid, "no bedrock") }
        return entry
    }

    private func load(_ environment: [String: String], file: String? = nil) async throws -> [BedrockModel] {
        try await Asking.withHTTP { http in
            let environment = environment.merging(["HOME": "/nonexistent"]) { own, _ in own }
            let loader = ModelCatalogueLoader(
                environment: environment, embedded: [DemoModel(.short, speed: 0)], http: http)
            return try await loader.load(file: file).catalogue.models.compactMap { $0 as? BedrockModel }
        }
    }

    @Test("a whole entry is read as written")
    func whole() throws {
        let entry = try entry(
            """
            "label": "Nova", "model": "arn:aws:bedrock:us-east-1:1:inference-profile/us.n:0",
            "region": "us-east-1", "base_url": "http://h:1/", "key_env": "K", "context_tokens": 2048,
            "output_tokens_max": 64, "system_role": "user", "prefill": true, "temperature": 0.5, "top_p": 1,
            "stop": ["x"], "first_token_seconds": 1.5, "gap_seconds": 2, "whole_seconds": 3, "retries": 0
            """, environment: ["K": "key"])
        var settings = BedrockModel.Settings(model: "arn:aws:bedrock:us-east-1:1:inference-profile/us.n:0")
        settings.outputTokensMax = 64
        settings.takesSystemPrompt = false
        settings.temperature = 0.5
        settings.topP = 1
        settings.stop = ["x"]
        settings.deadlines.firstTokenMilliseconds = 1_500
        settings.deadlines.gapMilliseconds = 2_000
        settings.deadlines.wholeMilliseconds = 3_000
        settings.retries.retriesMax = 0
        #expect(entry.settings == settings)
        #expect(entry.label == "Nova" && entry.key == .variable("K"))
        #expect(entry.contextTokensMax == 2_048 && entry.canPrefill)
        #expect(entry.endpoint == BedrockEndpoint(region: "us-east-1", baseURL: "http://h:1"))
    }

    @Test("region and address come from AWS's variables; a key meant for AWS goes to no other address")
    func defaults() throws {
        let plain = try entry("\"prefill\": false")
        #expect(plain.endpoint.address.baseURL == "https://bedrock-runtime.eu-west-1.amazonaws.com")
        #expect(plain.key == .environment && plain.settings == BedrockModel.Settings(model: "a"))
        #expect(try entry("\"base_url\": \"http://other\"").key == .credentials)
        let other = try entry(
            "\"prefill\": false",
            environment: [
                "AWS_DEFAULT_REGION": "r", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://vpc",
            ])
        #expect(other.endpoint == BedrockEndpoint(region: "r", baseURL: "http://vpc"))
        #expect(other.key == .environment)
    }

    @Test(
        "a mistake names its line and field",
        arguments: [
            ("\"temperature\": 2", "line 2: models[0].temperature: wants a number from 0.0 to 1.0"),
            ("\"system_role\": \"developer\"", "line 2: models[0].system_role: wants system or user"),
            ("\"key_env\": \"NOPE\"", "line 2: models[0].key_env: the environment variable NOPE is not set"),
            ("\"region\": \"a b\"", "line 2: models[0].region: wants a region's name, such as eu-central-1"),
            (
                "\"base_url\": \"h\"",
                "line 2: models[0].base_url: wants http(s)://host/path without user, query or fragment"
            ),
        ])
    func mistakes(member: String, message: String) {
        #expect(performing: { _ = try entry(member) }, throws: { "\($0)" == message })
    }

    @Test("what only openai knows is refused, and so is an entry without a region")
    func refused() {
        #expect(
            performing: { _ = try entry("\"usage\": true") },
            throws: { "\($0)".hasPrefix("line 2: models[0].usage: unknown; known are provider, id") })
        #expect(
            performing: { _ = try entry("\"prefill\": true", environment: [:]) },
            throws: { "\($0)".hasPrefix("line 1: models[0].region: is missing, and neither AWS_REGION") })
    }

    @Test("STOA_BEDROCK_MODELS names models; without it AWS's variables mean nothing")
    func environment() async throws {
        let models = try await load(
            Self.region.merging([
                "STOA_BEDROCK_MODELS": "eu.amazon.nova-micro-v1:0, arn:aws:bedrock:r:1:inference-profile/p ,",
                "STOA_BEDROCK_CONTEXT_TOKENS": "9000", "STOA_BEDROCK_OUTPUT_TOKENS": "70",
            ]) { own, _ in own })
        #expect(models.map(\.descriptor.label) == ["eu.amazon.nova-micro-v1:0", "p"])
        #expect(models.map(\.descriptor.provider) == ["bedrock", "bedrock"])
        #expect(models[0].descriptor.contextTokensMax == 9_000 && models[0].settings.outputTokensMax == 70)
        #expect(models[0].authority === models[1].authority)
        #expect(try await load(Self.region.merging(["AWS_ACCESS_KEY_ID": "k"]) { own, _ in own }).isEmpty)
        await #expect(
            performing: { _ = try await load(["STOA_BEDROCK_MODELS": "a"]) },
            throws: { "\($0)".contains("STOA_BEDROCK_MODELS wants a region") })
        await #expect(
            performing: { _ = try await load(["STOA_BEDROCK_MODELS": "a", "AWS_REGION": "a b"]) },
            throws: { "\($0)".contains("AWS_REGION wants") })
    }

    @Test("a file's models take the profile's region, and share one set of credentials a key")
    func file() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "stoa-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("[default]\nregion = eu-north-1\n".utf8).write(to: URL(filePath: folder + "/config"))
        let text = """
            {"models": [{"provider": "bedrock", "id": "a"}, {"provider": "bedrock", "id": "b"},
              {"provider": "bedrock", "id": "c", "base_url": "http://vpc"}]}
            """
        try Data(text.utf8).write(to: URL(filePath: folder + "/models.json"))
        let models = try await load(
            ["AWS_CONFIG_FILE": folder + "/config", "AWS_BEARER_TOKEN_BEDROCK": "ABSK-word"],
            file: folder + "/models.json")
        #expect(models.map(\.endpoint.region) == ["eu-north-1", "eu-north-1", "eu-north-1"])
        #expect(models[0].authority === models[1].authority && models[0].authority !== models[2].authority)
        #expect("\(try await models[0].authority.credentials())" == "a Bedrock API key")
        await #expect(throws: UpstreamFailure.self) {
            // No key for an address that is not AWS's, and nothing else is configured here.
            let source = EnvironmentCredentials(environment: [:])
            _ = try await BedrockAuthority(sources: [source]).credentials()
        }
    }
}
