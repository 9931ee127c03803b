package import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Makes the catalogue: from a file, or from the environment.
///
/// The file's members are listed at ``CatalogueFile``. Without a file:
/// - `OPENAI_BASE_URL` and `OPENAI_API_KEY`: either of them adds the models of that server (default: OpenAI's
///   own).
/// - `STOA_OPENAI_MODELS`: their names, separated by commas; else the server is asked for its list, once, at
///   start.
/// - `STOA_OPENAI_CONTEXT_TOKENS`, `STOA_OPENAI_OUTPUT_TOKENS`: the window and the longest answer of all of
///   them.
/// - `STOA_BEDROCK_MODELS`: ids of models or inference profiles on Amazon Bedrock, separated by commas.
///   Region and credentials are found as AWS's own tools find them, or `AWS_BEARER_TOKEN_BEDROCK` is the key.
/// - `STOA_BEDROCK_CONTEXT_TOKENS`, `STOA_BEDROCK_OUTPUT_TOKENS`: the same for these.
/// - The embedded models come last. The first of all is the default, unless `STOA_DEFAULT_MODEL` names
///   another.
package struct ModelCatalogueLoader: Sendable {
    /// The catalogue, and what an operator should know about how it was made.
    package struct Loaded: Sendable {
        package let catalogue: ModelCatalogue
        /// Sentences for the log, without keys.
        package let warnings: [String]
    }

    let environment: [String: String]
    private let embedded: [any LanguageModel]
    let http: ModelHTTPClient
    private let discoveryMilliseconds: Int

    /// - Parameters:
    ///   - environment: the process's variables.
    ///   - embedded: models that need no server, such as the demo models.
    ///   - http: used by all models of the catalogue; the caller shuts it down after the last answer.
    ///   - discoveryMilliseconds: how long a server may take to list its models.
    package init(
        environment: [String: String], embedded: [any LanguageModel], http: ModelHTTPClient,
        discoveryMilliseconds: Int = 3_000
    ) {
        // An empty variable counts as not set: that is how shells and container files unset one.
        self.environment = environment.filter { !$0.value.isEmpty }
        self.embedded = embedded
        self.http = http
        self.discoveryMilliseconds = discoveryMilliseconds
    }

    /// Loads the catalogue `file`, or for nil what the environment describes.
    /// - Throws: ``ChatError/Code/invalid`` with the file's line and field, or the variable's name. A server
    ///   that does not list its models is a warning: the rest of the catalogue still works.
    package func load(file: String? = nil) async throws -> Loaded {
        if let file { return Loaded(catalogue: try await read(file), warnings: []) }
        var warnings: [String] = []
        let models = try await openAIModels(warnings: &warnings) + bedrockModels() + embedded
        return Loaded(
            catalogue: try ModelCatalogue(models, defaultID: environment["STOA_DEFAULT_MODEL"]),
            warnings: warnings)
    }

    private func read(_ path: String) async throws -> ModelCatalogue {
        // Read at start, before anything is served: nobody waits for this thread yet.
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ChatError(.invalid, "The model catalogue \(path) cannot be read.")
        }
        let environment = try await environmentWithRegion()
        let file: CatalogueFile
        do {
            file = try CatalogueFile(Array(bytes), environment: environment)
        } catch {
            throw ChatError(.invalid, "The model catalogue \(path) is wrong, \(error)")
        }
        var authorities: [CatalogueFile.BedrockEntry.Key: BedrockAuthority] = [:]
        let models = try file.entries.map { entry throws -> any LanguageModel in
            switch entry {
            case .demo(let id):
                guard let model = embedded.first(where: { $0.descriptor.id == id }) else {
                    let known = embedded.map(\.descriptor.id).joined(separator: ", ")
                    throw ChatError(
                        .invalid, "The model catalogue \(path) is wrong: demo models are \(known), not \(id)")
                }
                return model
            case .bedrock(let entry): return bedrockModel(entry, &authorities)
            case .openAI(let entry):
                let descriptor = ModelDescriptor(
                    id: entry.id, label: entry.label, provider: "openai",
                    contextTokensMax: entry.contextTokensMax,
                    outputTokensMax: entry.settings.outputTokensMax, canPrefill: entry.canPrefill)
                return OpenAIModel(
                    descriptor: descriptor, endpoint: entry.endpoint, settings: entry.settings, http: http)
            }
        }
        return try ModelCatalogue(models, defaultID: file.defaultID)
    }

    private func openAIModels(warnings: inout [String]) async throws -> [any LanguageModel] {
        let base = environment["OPENAI_BASE_URL"], key = environment["OPENAI_API_KEY"]
        guard base != nil || key != nil else {
            if environment["STOA_OPENAI_MODELS"] != nil {
                warnings.append("STOA_OPENAI_MODELS has no effect without OPENAI_BASE_URL or OPENAI_API_KEY.")
            }
            return []
        }
        guard let endpoint = OpenAIEndpoint(baseURL: base ?? OpenAIEndpoint.openAIBaseURL, key: key) else {
            throw ChatError(
                .invalid, "OPENAI_BASE_URL wants http(s)://host/path without user, query or fragment.")
        }
        let context = try positive("STOA_OPENAI_CONTEXT_TOKENS"),
            output = try positive("STOA_OPENAI_OUTPUT_TOKENS")
        return try await names(at: endpoint, warnings: &warnings).map { found in
            var settings = OpenAIModel.Settings(model: found.id)
            settings.outputTokensMax = output
            // OpenAI's own newer models refuse `max_tokens`, compatible servers often know nothing else.
            if base == nil { settings.outputLimitField = .maxCompletionTokens }
            let descriptor = ModelDescriptor(
                id: found.id, label: Self.label(found.id), provider: "openai",
                contextTokensMax: context ?? found.contextTokensMax, outputTokensMax: output)
            return OpenAIModel(descriptor: descriptor, endpoint: endpoint, settings: settings, http: http)
        }
    }

    private func names(
        at endpoint: OpenAIEndpoint, warnings: inout [String]
    ) async throws -> [ModelDiscovery.Found] {
        if let list = environment["STOA_OPENAI_MODELS"] {
            return try Self.names(in: list).map { ModelDiscovery.Found(id: $0) }
        }
        do {
            let discovery = ModelDiscovery(http: http, deadlineMilliseconds: discoveryMilliseconds)
            let reserved = Set(embedded.map(\.descriptor.id))
            let found = try await discovery.models(of: endpoint).filter { !reserved.contains($0.id) }
            if found.isEmpty { warnings.append("The model server \(endpoint) lists no chat model.") }
            return found
        } catch let error as ModelError {
            warnings.append(
                "The model server \(endpoint) does not list its models (\(error)). "
                    + "Name them in STOA_OPENAI_MODELS, or start Stoa again when it is there.")
            return []
        }
    }

    /// Names separated by commas, each once.
    static func names(in list: String) throws -> [String] {
        var seen: Set<String> = []
        let names = list.split(separator: ",").map { $0.split(separator: " ").joined(separator: " ") }
        for name in names { try TextRule.modelID.check(name) }
        return names.filter { seen.insert($0).inserted }
    }

    /// llama.cpp names a model by its file's path when nobody gave it a better name.
    private static func label(_ id: String) -> String {
        guard id.hasSuffix(".gguf") else { return id }
        return String(id.split(separator: "/").last?.dropLast(5) ?? Substring(id))
    }

    func positive(_ name: String) throws -> Int? {
        guard let text = environment[name] else { return nil }
        guard let number = Int(text), (1...100_000_000).contains(number) else {
            throw ChatError(.invalid, "\(name) wants a whole number of tokens.")
        }
        return number
    }
}
