import ArgumentParser
import ChatCore
import ChatModels

/// `stoa models`.
struct ModelsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "See which models a task would offer, and whether they answer.",
        subcommands: [List.self, Check.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the catalogue.",
            discussion: """
                Reads the catalogue as `stoa serve` would, and asks no model anything.
                A server behind OPENAI_BASE_URL is asked for its list when no variable
                names its models.

                EXAMPLES:
                  stoa models list
                  stoa models list --models models.json --json | jq '.[].id'

                EXIT STATUS:
                  0 printed; 65 the catalogue is wrong: file, line and field are named.
                """)

        @OptionGroup var options: ModelsOptions

        func run() async throws {
            try await options.withCatalogue { catalogue in
                let lines = catalogue.models.map { ModelLine($0.descriptor, in: catalogue) }
                if options.json { return print(try JSONText.of(lines)) }
                for line in lines { print(line.text) }
            }
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask each model for one word.",
            discussion: """
                Prints the time to the first token, or the exact reason there was none:
                the provider's error code, a deadline, missing credentials. Each model is
                really asked, so providers bill a few tokens.

                EXAMPLES:
                  stoa models check
                  stoa models check nova claude --seconds 10
                  STOA_BEDROCK_MODELS=eu.amazon.nova-micro-v1:0 stoa models check --json

                EXIT STATUS:
                  0 all of them answered; 1 at least one did not; 65 the catalogue is
                  wrong, or has no such model.
                """)

        @Argument(help: "Ids of the models to ask. (default: all)") var ids: [String] = []
        @Option(help: "Seconds that each model may take to its first token.") var seconds: Double = 30
        @OptionGroup var options: ModelsOptions

        func run() async throws {
            let seconds = try Setting.check(seconds, "--seconds", in: 0.1...3_600)
            try await options.withCatalogue { catalogue in
                let models =
                    ids.isEmpty
                    ? catalogue.models
                    : try ids.map { id in
                        guard let model = catalogue.models.first(where: { $0.descriptor.id == id }) else {
                            throw ChatError(.invalid, "The catalogue has no model \(id).")
                        }
                        return model
                    }
                let results = await ModelCheck(deadlineMilliseconds: Int(seconds * 1_000))
                    .results(of: models)
                if options.json {
                    print(try JSONText.of(results))
                } else {
                    for result in results { print(result.text) }
                }
                if results.contains(where: { $0.failure != nil }) { throw ExitCode(1) }
            }
        }
    }
}

/// Which catalogue, and how to print.
struct ModelsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Catalogue of models; without one, the environment decides, as for serve. [env: STOA_MODELS]",
            valueName: "file"))
    var models: String?

    @Flag(help: "Print a JSON array, an object a model.") var json = false

    /// Runs `body` with the catalogue; what an operator should know about it goes to standard error.
    func withCatalogue(_ body: (ModelCatalogue) async throws -> Void) async throws {
        try await ExitStatus.reporting {
            let http = ModelHTTPClient()
            do {
                let loader = ModelCatalogueLoader(
                    environment: Setting.environment,
                    // A demo that pauses like a human would only be waited for.
                    embedded: DemoModel.Length.allCases.map { DemoModel($0, speed: 0) }, http: http)
                let loaded = try await loader.load(file: try Setting.optional(models, "STOA_MODELS"))
                for warning in loaded.warnings { StandardError.write("stoa: \(warning)") }
                try await body(loaded.catalogue)
            } catch {
                await http.shutdown()
                throw error
            }
            await http.shutdown()
        }
    }
}
