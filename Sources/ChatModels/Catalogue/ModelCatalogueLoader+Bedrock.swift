import ChatCore

extension ModelCatalogueLoader {
    /// The environment, with the region of the AWS profile when no variable names one.
    func environmentWithRegion() async throws -> [String: String] {
        guard BedrockEndpoint.region(in: environment) == nil,
            let region = try await ProfileCredentials(environment: environment).region()
        else { return environment }
        return environment.merging(["AWS_REGION": region]) { own, _ in own }
    }

    /// The models that `STOA_BEDROCK_MODELS` names. Without it there are none: AWS's variables are set for
    /// many reasons, and a list of all that Bedrock sells is no catalogue.
    func bedrockModels() async throws -> [any LanguageModel] {
        guard let list = environment["STOA_BEDROCK_MODELS"] else { return [] }
        let environment = try await environmentWithRegion()
        guard let region = BedrockEndpoint.region(in: environment) else {
            throw ChatError(
                .invalid, "STOA_BEDROCK_MODELS wants a region, and \(BedrockEndpoint.regionSources).")
        }
        guard BedrockEndpoint(region: region) != nil else {
            throw ChatError(.invalid, "AWS_REGION wants a region's name, such as eu-central-1.")
        }
        guard
            let endpoint = BedrockEndpoint(
                region: region, baseURL: environment[BedrockEndpoint.baseURLVariable])
        else {
            throw ChatError(
                .invalid,
                "\(BedrockEndpoint.baseURLVariable) wants http(s)://host/path without user, query "
                    + "or fragment."
            )
        }
        let context = try positive("STOA_BEDROCK_CONTEXT_TOKENS"),
            output = try positive("STOA_BEDROCK_OUTPUT_TOKENS")
        let authority = BedrockAuthority(environment: environment, http: http)
        return try Self.names(in: list).map { name in
            var settings = BedrockModel.Settings(model: name)
            settings.outputTokensMax = output
            let descriptor = ModelDescriptor(
                id: name, label: Self.bedrockLabel(name), provider: "bedrock", contextTokensMax: context,
                outputTokensMax: output)
            return BedrockModel(
                descriptor: descriptor, endpoint: endpoint, settings: settings, authority: authority,
                http: http)
        }
    }

    /// The model of a catalogue's entry. `authorities` holds one a key, so that models share their
    /// credentials.
    func bedrockModel(
        _ entry: CatalogueFile.BedrockEntry,
        _ authorities: inout [CatalogueFile.BedrockEntry.Key: BedrockAuthority]
    ) -> BedrockModel {
        let authority = authorities[entry.key] ?? authority(for: entry.key)
        authorities[entry.key] = authority
        let descriptor = ModelDescriptor(
            id: entry.id, label: entry.label, provider: "bedrock", contextTokensMax: entry.contextTokensMax,
            outputTokensMax: entry.settings.outputTokensMax, canPrefill: entry.canPrefill)
        return BedrockModel(
            descriptor: descriptor, endpoint: entry.endpoint, settings: entry.settings, authority: authority,
            http: http)
    }

    private func authority(for key: CatalogueFile.BedrockEntry.Key) -> BedrockAuthority {
        switch key {
        case .environment: return BedrockAuthority(environment: environment, http: http)
        case .credentials:
            var environment = environment
            environment["AWS_BEARER_TOKEN_BEDROCK"] = nil
            return BedrockAuthority(environment: environment, http: http)
        case .variable(let name): return BedrockAuthority(bearer: environment[name])
        }
    }

    /// An ARN's last part is the name people know.
    private static func bedrockLabel(_ id: String) -> String {
        guard id.hasPrefix("arn:") else { return id }
        return String(id.split(separator: "/").last ?? Substring(id))
    }
}
