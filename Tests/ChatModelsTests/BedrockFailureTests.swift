import ChatCore
import Testing

@testable import ChatModels

/// Statuses, and credentials that AWS takes no longer.
@Suite(.timeLimit(.minutes(5))) struct BedrockFailureTests {
    private static let noRetries = Asking.bedrockSettings { $0.retries.retriesMax = 0 }

    @Test(
        "an error status becomes a sentence for the user and a detail without what the server said",
        arguments: [
            (
                "400 Bad", "ValidationException", "Input is too long for requested model.",
                ModelError.Kind.tooLong, "HTTP 400, ValidationException"
            ),
            (
                "400 Bad", "ValidationException",
                "Invocation of model ID x with on-demand throughput isn’t supported.", .unknownModel,
                "HTTP 400, ValidationException; this model is only to be had by an inference profile "
                    + "(us., eu., …)"
            ),
            (
                "400 Bad", "ValidationException", "The provided model identifier is invalid.", .unknownModel,
                "HTTP 400, ValidationException; the model's id is invalid"
            ),
            ("400 Bad", "ValidationException", "Hi", .refused, "HTTP 400, ValidationException"),
            (
                "403 No", "com.amazon#AccessDeniedException:http://internal", "arn:aws:iam::123:user/x",
                .unauthorized, "HTTP 403, AccessDeniedException"
            ),
            (
                "404 No", "ResourceNotFoundException", "Hi", .unknownModel,
                "HTTP 404, ResourceNotFoundException"
            ),
            ("408 No", "ModelTimeoutException", "Hi", .timedOut, "HTTP 408, ModelTimeoutException"),
            ("424 No", "ModelErrorException", "Hi", .unavailable, "HTTP 424, ModelErrorException"),
            ("429 No", "ModelNotReadyException", "Hi", .unavailable, "HTTP 429, ModelNotReadyException"),
            ("429 No", "ThrottlingException", "Hi", .throttled, "HTTP 429, ThrottlingException"),
            (
                "503 No", "ServiceUnavailableException", "Hi", .unavailable,
                "HTTP 503, ServiceUnavailableException"
            ),
            ("418 No", "<b>", "Hi", .refused, "HTTP 418"),
        ])
    func statuses(
        status: String, name: String, message: String, kind: ModelError.Kind, detail: String
    ) async throws {
        for key in ["message", "Message"] {
            let reply = ConverseStream.error(status, name, #"{"\#(key)":"\#(message)"}"#)
            let outcome = try await Asking.askBedrock(reply, settings: Self.noRetries)
            let error = try #require(outcome.error as? ModelError)
            #expect(error.kind == kind && error.detail == detail && error.message == kind.sentence)
        }
    }

    @Test("the name may stand in the body, and a body may be anything")
    func bodies() async throws {
        let named = Reply.status("400 Bad", #"{"__type":"com.amazon#ThrottlingException","message":"Hi"}"#)
        let outcome = try await Asking.askBedrock(named, settings: Self.noRetries)
        #expect(outcome.kind == .throttled && outcome.detail == "HTTP 400, ThrottlingException")
        for (status, kind) in [("502 Bad", ModelError.Kind.unavailable), ("403 No", .unauthorized)] {
            for body in ["", "<html>Hi", "[]", #"{"Message":7}"#] {
                let outcome = try await Asking.askBedrock(
                    Reply.status(status, body), settings: Self.noRetries)
                #expect(outcome.kind == kind && outcome.detail == "HTTP \(status.prefix(3))")
            }
        }
    }

    @Test("a quota of the day is not waited for")
    func quota() async throws {
        let reply = ConverseStream.error(
            "429 No", "ThrottlingException",
            #"{"message":"Too many tokens per day, please wait before trying again."}"#)
        try await ScriptedServer.run(reply) { server in
            try await Asking.withHTTP { http in
                let outcome = await Asking.ask(try Asking.bedrock(server, http: http))
                #expect(outcome.kind == .throttled)
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test("a token that has expired early is renewed once")
    func expired() async throws {
        let expired = ConverseStream.error("403 No", "ExpiredTokenException", "{}")
        let good = [
            ConverseStream.head,
            ConverseStream.frames(ConverseStream.text("ok"), ConverseStream.stop, ConverseStream.metadata),
            ConverseStream.end,
        ]
        for (second, count) in [(good, 2), (expired, 2)] {
            let source = NumberedCredentials()
            try await ScriptedServer.run(expired, second) { server in
                try await Asking.withHTTP { http in
                    let model = try Asking.bedrock(
                        server, http: http, authority: BedrockAuthority(sources: [source]))
                    let outcome = await Asking.ask(model)
                    #expect(outcome.text == (second.count == 3 ? "ok" : ""))
                    #expect(outcome.kind == (second.count == 3 ? nil : .unauthorized))
                }
                #expect(server.requests.count == count)
                #expect(server.requests.map { $0.headers["x-amz-security-token"] } == ["token 1", "token 2"])
            }
        }
    }
}
