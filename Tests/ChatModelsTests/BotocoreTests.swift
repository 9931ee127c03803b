import ChatCore
import ChatTesting
import Testing

@testable import ChatModels

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What `Tests/ChatModelsTests/botocore/run` sets.
private enum Botocore {
    static let python = ProcessInfo.processInfo.environment["STOA_BOTOCORE_PYTHON"]
    static let folder = ProcessInfo.processInfo.environment["STOA_BOTOCORE"] ?? ""
}

/// AWS's own Python library as the judge. `Tests/ChatModelsTests/botocore/run` installs it and runs these.
@Suite(
    .enabled(if: Botocore.python != nil, "run Tests/ChatModelsTests/botocore/run"), .serialized,
    .timeLimit(.minutes(5)))
struct BotocoreTests {
    private struct Signed: Decodable {
        // The script's names.
        var method, host, region, path, body, content_type, access_key, secret, authorization, date: String
        var token: String?
        var query: [[String]]
        var seconds: Double
    }

    private struct Read: Decodable, Equatable {
        var text, reasoning: String
        var stop_reason, error: String?
        var input_tokens, output_tokens: Int?
    }

    private func script(_ name: String, _ arguments: String...) throws -> ChildProcess {
        let python = try #require(Botocore.python)
        return try ChildProcess([python, "-B", "\(Botocore.folder)/\(name)"] + arguments)
    }

    @Test("200 random requests get the signatures that botocore gives them")
    func signatures() async throws {
        let seed = SeededGenerator.announced("Botocore signatures").seed
        let process = try script("signatures.py", "\(seed)", "200")
        var count = 0
        while let line = try await process.nextLine() {
            let signed = try JSONDecoder().decode(Signed.self, from: Data(line.utf8))
            let credentials = AWSCredentials(
                accessKeyID: signed.access_key, secretAccessKey: signed.secret, sessionToken: signed.token,
                source: "a test")
            let request = SignatureV4.Request(
                method: signed.method, path: signed.path, query: signed.query.map { ($0[0], $0[1]) },
                headers: [("content-type", signed.content_type), ("host", signed.host)],
                body: Array(signed.body.utf8))
            let headers = SignatureV4(region: signed.region).headers(
                for: request, credentials: credentials, date: Date(timeIntervalSince1970: signed.seconds))
            #expect(headers.first { $0.name == "authorization" }?.value == signed.authorization, "\(line)")
            count += 1
        }
        #expect(try await process.waitForExit() == 0)
        #expect(count == 200)
    }

    @Test("boto3's own client reads the recorded streams as ours does, and asks for the same path")
    func streams() async throws {
        typealias Stream = ConverseStream
        let text = Stream.text("a é")
        let streams: [(String, [ScriptedServer.Step])] = [
            ("whole", [Stream.head, .send(Stream.chunk(Stream.whole.flatMap { $0 })), Stream.end]),
            ("in pieces", [Stream.head] + Stream.whole.map { .send(Stream.chunk($0)) } + [Stream.end]),
            ("throttled", [Stream.head, Stream.frames(Stream.exception("throttlingException")), Stream.end]),
            (
                "exception",
                [Stream.head, Stream.frames(text, Stream.exception("modelStreamErrorException")), Stream.end]
            ),
            (
                "validation",
                [Stream.head, Stream.frames(text, Stream.exception("validationException")), Stream.end]
            ),
            ("no stop reason", [Stream.head, Stream.frames(text), Stream.end]),
            ("cut", [Stream.head, Stream.frames(text, Array(text.prefix(30))), .close]),
            ("no counts", [Stream.head, Stream.frames(text, Stream.stop), Stream.end]),
            ("429", Stream.error("429 No", "ThrottlingException:http://x", #"{"message":"slow"}"#)),
            ("400", Stream.error("400 No", "ValidationException", #"{"message":"Hi"}"#)),
            ("403", Stream.error("403 No", "AccessDeniedException", #"{"Message":"Hi"}"#)),
        ]
        let kinds: [String: ModelError.Kind] = [
            "throttlingException": .throttled, "modelStreamErrorException": .unavailable,
            "validationException": .refused, "ThrottlingException": .throttled,
            "ValidationException": .refused, "AccessDeniedException": .unauthorized,
        ]
        let model = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-micro-v1:0"
        for (name, steps) in streams {
            try await ScriptedServer.run(steps) { server in
                let process = try script("converse.py", server.rootURL, model)
                let line = try #require(try await process.nextLine())
                let theirs = try JSONDecoder().decode(Read.self, from: Data(line.utf8))
                let ours = try await Asking.withHTTP { http in
                    let settings = Asking.bedrockSettings {
                        $0.model = model
                        $0.retries.retriesMax = 0
                    }
                    return await Asking.ask(try Asking.bedrock(server, settings, http: http))
                }
                #expect(ours.text == theirs.text && ours.reasoning == theirs.reasoning, "\(name)")
                #expect(ours.finish?.stopReason == theirs.stop_reason, "\(name)")
                #expect(ours.finish?.usage?.inputTokens == theirs.input_tokens, "\(name)")
                #expect(ours.finish?.usage?.outputTokens == theirs.output_tokens, "\(name)")
                // There a body that breaks is an error of another library, and a missing stop reason none.
                let cut: ModelError.Kind? = theirs.stop_reason == nil ? .cutOff : nil
                let kind = theirs.error.map { kinds[$0] ?? .cutOff } ?? cut
                #expect(ours.kind == kind, "\(name): \(theirs.error ?? "no error")")
                #expect(Set(server.requests.map(\.line)).count == 1, "\(name)")
                #expect(server.requests.count == 2, "\(name)")
            }
        }
    }
}
