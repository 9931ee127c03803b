import AsyncHTTPClient
package import ChatCore
import NIOCore
import NIOHTTP1

/// Any server that speaks OpenAI's chat completions: OpenAI, llama.cpp, vLLM, Ollama, LiteLLM, OpenRouter.
package struct OpenAIModel: LanguageModel {
    /// Who says the system prompt. Newer OpenAI models want `developer`; some models know no such role at
    /// all.
    package enum SystemRole: String, Sendable, CaseIterable {
        case system
        case developer
        /// In front of the first message.
        case user
    }

    /// How the bound on the answer is called. OpenAI's reasoning models refuse `max_tokens`, most others know
    /// only that.
    package enum OutputLimitField: String, Sendable, CaseIterable {
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
    }

    /// What is sent along with each prompt. Only what is set goes into the request.
    package struct Settings: Sendable, Hashable {
        /// The model's name at its server.
        package var model: String
        package var systemRole = SystemRole.system
        package var outputLimitField = OutputLimitField.maxTokens
        package var outputTokensMax: Int?
        package var temperature: Double?
        package var topP: Double?
        package var stop: [String] = []
        /// Asks for token counts; a few servers refuse the parameter.
        package var asksForUsage = true
        package var deadlines = ModelDeadlines()
        package var retries = RetryPolicy()
        package var answerBytesMax = Limits.answerBytesMax

        /// Makes the value with nothing set but the name.
        package init(model: String) {
            self.model = model
        }
    }

    package let descriptor: ModelDescriptor
    let endpoint: OpenAIEndpoint
    let settings: Settings
    private let http: ModelHTTPClient

    /// Makes a model; nothing is sent before the first prompt.
    package init(
        descriptor: ModelDescriptor, endpoint: OpenAIEndpoint, settings: Settings, http: ModelHTTPClient
    ) {
        self.descriptor = descriptor
        self.endpoint = endpoint
        self.settings = settings
        self.http = http
    }

    package func answer(
        to prompt: ModelPrompt, onDelta: @Sendable (ModelDelta) async throws -> Void
    ) async throws -> ModelFinish {
        let body = try ChatCompletionRequest(prompt: prompt, settings: settings).encoded()
        return try await ModelExchange(
            deadlines: settings.deadlines, retries: settings.retries,
            send: { try await send(body) },
            refusal: { response in
                UpstreamFailure.answer(
                    status: Int(response.status.code), body: await ErrorBodyReader.read(response.body),
                    headers: response.headers)
            },
            reader: { response in
                CompletionReader(
                    contentType: response.headers.first(name: "content-type"), settings: settings)
            }
        ).answer(onDelta: onDelta)
    }

    private func send(_ body: [UInt8]) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: endpoint.baseURL + "/chat/completions")
        request.method = .POST
        request.headers = endpoint.headers(accept: "text/event-stream")
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: body))
        return try await http.send(request, deadlines: settings.deadlines)
    }
}

extension OpenAIEndpoint {
    /// What every request to this server carries.
    func headers(accept: String) -> HTTPHeaders {
        var headers: HTTPHeaders = ["accept": accept, "user-agent": "stoa"]
        if let key { headers.add(name: "authorization", value: "Bearer \(key)") }
        return headers
    }
}
