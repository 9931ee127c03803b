import ChatCore

extension CatalogueFile {
    /// An entry of the provider `bedrock`.
    struct BedrockEntry: Equatable {
        /// What its requests are made with.
        enum Key: Hashable {
            /// Whatever the environment says: a key of Bedrock's own, or credentials of AWS.
            case environment
            /// Credentials of AWS, and no key though the environment may hold one: it is meant for AWS.
            case credentials
            /// The key in this variable.
            case variable(String)
        }

        var id: String
        var label: String
        var endpoint: BedrockEndpoint
        var key: Key
        var contextTokensMax: Int?
        var canPrefill: Bool
        var settings: BedrockModel.Settings

        init(
            _ object: CatalogueObject, id: String, environment: [String: String]
        ) throws(CatalogueProblem) {
            try object.allow([
                "provider", "id", "label", "base_url", "model", "key_env", "region", "context_tokens",
                "output_tokens_max", "system_role", "prefill", "temperature", "top_p", "stop",
                "first_token_seconds", "gap_seconds", "whole_seconds", "retries",
            ])
            settings = BedrockModel.Settings(
                model: try object.optionalText("model", bytesMax: 2_048) ?? id)
            settings.outputTokensMax = try object.integer("output_tokens_max", 1...10_000_000)
            settings.takesSystemPrompt = try object.optionalWord("system_role", SystemRole.self) != .user
            settings.temperature = try object.number("temperature", 0...1)
            settings.topP = try object.number("top_p", 0...1)
            settings.stop = try object.texts("stop", countMax: 4, bytesMax: 200)
            settings.deadlines = try object.deadlines()
            settings.retries = try object.retries()
            self.id = id
            label = try object.optionalText("label", bytesMax: 200) ?? id
            contextTokensMax = try object.integer("context_tokens", 1...100_000_000)
            canPrefill = try object.bool("prefill") ?? false

            let ownBase = try object.optionalText("base_url", bytesMax: 2_000)
            if let variable = try object.optionalText("key_env", bytesMax: 200) {
                guard let value = environment[variable], !value.isEmpty else {
                    throw object.problem("key_env", "the environment variable \(variable) is not set")
                }
                key = .variable(variable)
            } else {
                key = ownBase == nil ? .environment : .credentials
            }
            let ownRegion = try object.optionalText("region", bytesMax: 64)
            guard let region = ownRegion ?? BedrockEndpoint.region(in: environment) else {
                throw object.problem("region", "is missing, and \(BedrockEndpoint.regionSources)")
            }
            guard BedrockEndpoint(region: region) != nil else {
                throw object.problem("region", "wants a region's name, such as eu-central-1")
            }
            let base = ownBase ?? environment[BedrockEndpoint.baseURLVariable]
            guard let endpoint = BedrockEndpoint(region: region, baseURL: base) else {
                throw object.problem("base_url", "wants http(s)://host/path without user, query or fragment")
            }
            self.endpoint = endpoint
        }
    }

    private enum SystemRole: String, CaseIterable {
        case system
        case user
    }
}

extension BedrockEndpoint {
    /// AWS's own name for the variable.
    static let baseURLVariable = "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"
    /// For the error of an operator who named none.
    static let regionSources = "neither AWS_REGION, AWS_DEFAULT_REGION nor the AWS profile names one"

    static func region(in environment: [String: String]) -> String? {
        environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"]
    }
}
