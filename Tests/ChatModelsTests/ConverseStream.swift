import ChatCore
import Testing

@testable import ChatModels

/// Streams as Bedrock plays them.
enum ConverseStream {
    typealias Frames = EventStreamFrames

    static let head: ScriptedServer.Step = .write(
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n"
            + "transfer-encoding: chunked\r\n\r\n")
    static let end: ScriptedServer.Step = .write("0\r\n\r\n")

    static func chunk(_ bytes: [UInt8]) -> [UInt8] {
        Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8)
    }

    static func frames(_ frames: [UInt8]...) -> ScriptedServer.Step { .send(chunk(frames.flatMap { $0 })) }

    static let start = Frames.event("messageStart", #"{"p":"abcd","role":"assistant"}"#)
    static let blockStop = Frames.event("contentBlockStop", #"{"contentBlockIndex":0,"p":"abc"}"#)
    static let stop = Frames.event("messageStop", #"{"p":"a","stopReason":"end_turn"}"#)
    static let metadata = Frames.event(
        "metadata",
        #"{"metrics":{"latencyMs":412},"p":"ab","usage":{"inputTokens":4,"outputTokens":2,"totalTokens":6}}"#)
    static let unknown = Frames.event("invented", #"[7]"#)

    static func text(_ text: String, index: Int = 0) -> [UInt8] {
        Frames.event(
            "contentBlockDelta", #"{"contentBlockIndex":\#(index),"delta":{"text":"\#(text)"},"p":"ab"}"#)
    }

    static func reasoning(_ text: String) -> [UInt8] {
        Frames.event(
            "contentBlockDelta",
            #"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"\#(text)"}}}"#)
    }

    static let signature = Frames.event(
        "contentBlockDelta", #"{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"c2ln"}}}"#)

    static func exception(_ name: String, _ message: String = "prompt words") -> [UInt8] {
        Frames.exception(name, #"{"message":"\#(message)"}"#)
    }

    /// A whole answer that thinks first, with all that a reader has to pass over.
    static let whole = [
        start, reasoning("Think"), reasoning("ing."), signature, blockStop, unknown, text("Hel", index: 1),
        text("lo é🙂", index: 1), blockStop, stop, metadata,
    ]

    static func error(_ status: String, _ name: String?, _ body: String) -> [ScriptedServer.Step] {
        name.map { Reply.status(status, body, headers: "x-amzn-ErrorType: \($0)") }
            ?? Reply.status(status, body)
    }
}

extension Asking {
    static let secret = "secret-word"

    static let authority = BedrockAuthority(sources: [
        EnvironmentCredentials(environment: [
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_SESSION_TOKEN": "token-word",
        ])
    ])

    static func bedrockSettings(
        _ change: (inout BedrockModel.Settings) -> Void = { _ in }
    ) -> BedrockModel.Settings {
        var settings = BedrockModel.Settings(model: "us.amazon.nova-micro-v1:0")
        settings.deadlines = Asking.settings().deadlines
        settings.retries = Asking.settings().retries
        change(&settings)
        return settings
    }

    static func bedrock(
        _ server: ScriptedServer, _ settings: BedrockModel.Settings = bedrockSettings(),
        http: ModelHTTPClient, authority: BedrockAuthority = authority
    ) throws -> BedrockModel {
        let endpoint = try #require(BedrockEndpoint(region: "us-east-1", baseURL: server.rootURL))
        let descriptor = ModelDescriptor(id: "nova", label: "Nova", provider: "bedrock")
        return BedrockModel(
            descriptor: descriptor, endpoint: endpoint, settings: settings, authority: authority, http: http)
    }

    /// Asks a server that replies as scripted.
    static func askBedrock(
        _ replies: [ScriptedServer.Step], settings: BedrockModel.Settings = bedrockSettings()
    ) async throws -> Outcome {
        try await ScriptedServer.run(replies) { server in
            try await withHTTP { http in await ask(try bedrock(server, settings, http: http)) }
        }
    }
}
