import AsyncHTTPClient
package import ChatCore
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A model on Amazon Bedrock, asked with ConverseStream.
package struct BedrockModel: LanguageModel {
    /// What is sent along with each prompt. Only what is set goes into the request.
    package struct Settings: Sendable, Hashable {
        /// A foundation model's id, or the id or ARN of an inference profile.
        package var model: String
        /// A few models refuse a system prompt; they are told in front of the first message.
        package var takesSystemPrompt = true
        package var outputTokensMax: Int?
        package var temperature: Double?
        package var topP: Double?
        package var stop: [String] = []
        package var deadlines = ModelDeadlines()
        package var retries = RetryPolicy()
        package var answerBytesMax = Limits.answerBytesMax

        /// Makes the value with nothing set but the id.
        package init(model: String) {
            self.model = model
        }
    }

    package let descriptor: ModelDescriptor
    let endpoint: BedrockEndpoint
    let settings: Settings
    let authority: BedrockAuthority
    private let http: ModelHTTPClient

    /// Makes a model; nothing is sent before the first prompt.
    init(
        descriptor: ModelDescriptor, endpoint: BedrockEndpoint, settings: Settings,
        authority: BedrockAuthority, http: ModelHTTPClient
    ) {
        self.descriptor = descriptor
        self.endpoint = endpoint
        self.settings = settings
        self.authority = authority
        self.http = http
    }

    package func answer(
        to prompt: ModelPrompt, onDelta: @Sendable (ModelDelta) async throws -> Void
    ) async throws -> ModelFinish {
        let body = try ConverseRequest(prompt: prompt, settings: settings).encoded()
        return try await ModelExchange(
            deadlines: settings.deadlines, retries: settings.retries,
            send: { try await send(body) },
            refusal: { response in
                BedrockFailure.answer(
                    status: Int(response.status.code),
                    body: BedrockErrorBody(await ErrorBodyReader.bytes(of: response.body)),
                    headers: response.headers)
            },
            reader: { response in
                ConverseReader(
                    contentType: response.headers.first(name: "content-type"),
                    answerBytesMax: settings.answerBytesMax)
            }
        ).answer(onDelta: onDelta)
    }

    private func send(_ body: [UInt8]) async throws -> HTTPClientResponse {
        let credentials = try await authority.credentials()
        let response = try await send(body, as: credentials)
        // A session may be ended earlier than it was said to: asked for once more with new credentials.
        guard response.status == .forbidden, case .pair(let pair) = credentials,
            BedrockFailure.name(in: response.headers) == "ExpiredTokenException",
            await authority.forget(pair)
        else { return response }
        return try await send(body, as: try await authority.credentials())
    }

    private func send(
        _ body: [UInt8], as credentials: BedrockAuthority.Credentials
    ) async throws -> HTTPClientResponse {
        var headers = [
            (name: "content-type", value: "application/json"),
            (name: "host", value: endpoint.address.authority),
        ]
        switch credentials {
        case .bearer(let token): headers.append((name: "authorization", value: "Bearer \(token)"))
        case .pair(let pair):
            headers += SignatureV4(region: endpoint.region).headers(
                for: .init(path: endpoint.path(of: settings.model), headers: headers, body: body),
                credentials: pair, date: Date())
        }
        var request = HTTPClientRequest(url: endpoint.url(of: settings.model))
        request.method = .POST
        request.headers = HTTPHeaders(
            headers + [
                (name: "accept", value: "application/vnd.amazon.eventstream"),
                (name: "user-agent", value: "stoa"),
            ])
        request.body = .bytes(ByteBuffer(bytes: body))
        return try await http.send(request, deadlines: settings.deadlines)
    }
}
