import ChatCore

/// The catalogue as an operator writes it. A member that is not listed here is refused, so that a slip of the
/// pen is an error with a line instead of a setting that silently does not count.
///
/// ```json
/// {
///   "default": "smollm2",
///   "models": [
///     { "provider": "openai", "id": "smollm2", "label": "SmolLM2 135M",
///       "base_url": "http://127.0.0.1:8090/v1", "model": "smollm2-135m",
///       "context_tokens": 2048, "output_tokens_max": 512, "temperature": 0.7 },
///     { "provider": "demo", "id": "demo" }
///   ]
/// }
/// ```
///
/// | member | meaning | default |
/// | --- | --- | --- |
/// | `provider` | `openai`, `bedrock` or `demo` | required |
/// | `id` | what clients call it, unique | required; `demo`: the embedded model's id |
/// | `label` | for people | `id` |
/// | `model` | the name at its provider; `bedrock`: an id, or the id or ARN of an inference profile | `id` |
/// | `base_url` | `openai`: of the server, mostly ends in `/v1` | `OPENAI_BASE_URL`, else OpenAI's own |
/// | | `bedrock`: of a VPC endpoint | `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`, else the region's own |
/// | `key_env` | the variable that holds the key; never the key | without `base_url`: `OPENAI_API_KEY`; |
/// | | | `bedrock`: `AWS_BEARER_TOKEN_BEDROCK`, if set |
/// | `region` | `bedrock` only | `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's |
/// | `context_tokens` | tokens of prompt and answer together; the history is cut to it | unknown |
/// | `output_tokens_max` | bound on an answer | the server's |
/// | `output_limit_field` | `openai` only: `max_tokens` or `max_completion_tokens` | `max_tokens` |
/// | `system_role` | `system`, `developer` or `user` (in front of the first message) | `system` |
/// | | `bedrock`: `system` or `user` | |
/// | `prefill` | whether it goes on from an assistant's message at the end | false |
/// | `temperature`, `top_p` | 0 to 2 (`bedrock`: 0 to 1), 0 to 1 | not sent |
/// | `stop` | up to four strings that end an answer | not sent |
/// | `usage` | `openai` only: whether to ask for token counts; a few servers refuse that | true |
/// | `first_token_seconds`, `gap_seconds`, `whole_seconds` | deadlines | 120, 60, 600 |
/// | `retries` | attempts after the first, 0 to 5 | 2 |
struct CatalogueFile: Equatable {
    /// One entry, checked but not yet connected to anything.
    enum Entry: Equatable {
        case demo(id: String)
        case openAI(OpenAIEntry)
        case bedrock(BedrockEntry)
    }

    struct OpenAIEntry: Equatable {
        var id: String
        var label: String
        var endpoint: OpenAIEndpoint
        var contextTokensMax: Int?
        var canPrefill = false
        var settings: OpenAIModel.Settings
    }

    static let bytesMax = 1 << 20
    private static let modelsMax = 200

    var entries: [Entry] = []
    var defaultID: String?

    /// Reads and checks a catalogue.
    /// - Throws: ``CatalogueProblem`` at the first mistake.
    init(_ bytes: [UInt8], environment: [String: String]) throws(CatalogueProblem) {
        guard bytes.count <= Self.bytesMax else {
            throw CatalogueProblem(line: 1, field: "", problem: "is larger than \(Self.bytesMax) bytes")
        }
        let document: PositionedJSON
        do {
            document = try PositionedJSON(parsing: bytes)
        } catch {
            throw CatalogueProblem(line: error.line, field: "", problem: error.problem)
        }
        let top = try CatalogueObject(document, field: "")
        try top.allow(["default", "models"])
        let list = try top.array("models")
        guard (1...Self.modelsMax).contains(list.elements.count) else {
            throw CatalogueProblem(
                line: list.line, field: "models", problem: "wants 1 to \(Self.modelsMax) entries")
        }
        var ids: Set<String> = []
        for (index, element) in list.elements.enumerated() {
            let object = try CatalogueObject(element, field: "models[\(index)]")
            let id = try object.text("id", bytesMax: Limits.modelIDBytesMax)
            guard ids.insert(id).inserted else { throw object.problem("id", "\"\(id)\" is there twice") }
            entries.append(try Self.entry(object, id: id, environment: environment))
        }
        defaultID = try top.optionalText("default", bytesMax: Limits.modelIDBytesMax)
        if let defaultID, !ids.contains(defaultID) {
            throw top.problem("default", "\"\(defaultID)\" is not the id of a model")
        }
    }

    private static func entry(
        _ object: CatalogueObject, id: String, environment: [String: String]
    ) throws(CatalogueProblem) -> Entry {
        switch try object.word("provider", ["openai", "bedrock", "demo"]) {
        case "demo":
            try object.allow(["provider", "id"])
            return .demo(id: id)
        case "bedrock":
            return .bedrock(try BedrockEntry(object, id: id, environment: environment))
        default:
            return .openAI(try openAI(object, id: id, environment: environment))
        }
    }

    private static func openAI(
        _ object: CatalogueObject, id: String, environment: [String: String]
    ) throws(CatalogueProblem) -> OpenAIEntry {
        try object.allow([
            "provider", "id", "label", "base_url", "model", "key_env", "context_tokens", "output_tokens_max",
            "output_limit_field", "system_role", "prefill", "temperature", "top_p", "stop", "usage",
            "first_token_seconds",
            "gap_seconds", "whole_seconds", "retries",
        ])
        var settings = OpenAIModel.Settings(
            model: try object.optionalText("model", bytesMax: Limits.modelIDBytesMax) ?? id)
        settings.outputTokensMax = try object.integer("output_tokens_max", 1...10_000_000)
        if let field = try object.optionalWord("output_limit_field", OpenAIModel.OutputLimitField.self) {
            settings.outputLimitField = field
        }
        if let role = try object.optionalWord("system_role", OpenAIModel.SystemRole.self) {
            settings.systemRole = role
        }
        settings.temperature = try object.number("temperature", 0...2)
        settings.topP = try object.number("top_p", 0...1)
        settings.stop = try object.texts("stop", countMax: 4, bytesMax: 200)
        settings.asksForUsage = try object.bool("usage") ?? true
        settings.deadlines = try object.deadlines()
        settings.retries = try object.retries()
        return OpenAIEntry(
            id: id, label: try object.optionalText("label", bytesMax: 200) ?? id,
            endpoint: try endpoint(object, environment: environment),
            contextTokensMax: try object.integer("context_tokens", 1...100_000_000),
            canPrefill: try object.bool("prefill") ?? false, settings: settings)
    }

    private static func endpoint(
        _ object: CatalogueObject, environment: [String: String]
    ) throws(CatalogueProblem) -> OpenAIEndpoint {
        let ownBase = try object.optionalText("base_url", bytesMax: 2_000)
        let variable = try object.optionalText("key_env", bytesMax: 200)
        let key: String?
        if let variable {
            guard let value = environment[variable], !value.isEmpty else {
                throw object.problem("key_env", "the environment variable \(variable) is not set")
            }
            key = value
        } else {
            // A key meant for one server must not go to another that merely has no key of its own.
            key = ownBase == nil ? environment["OPENAI_API_KEY"] : nil
        }
        let base = ownBase ?? environment["OPENAI_BASE_URL"] ?? OpenAIEndpoint.openAIBaseURL
        guard let endpoint = OpenAIEndpoint(baseURL: base, key: key) else {
            throw object.problem("base_url", "wants http(s)://host/path without user, query or fragment")
        }
        return endpoint
    }
}
