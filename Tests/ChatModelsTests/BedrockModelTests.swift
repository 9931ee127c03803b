import ChatCore
import Testing

@testable import ChatModels

/// The whole client against recorded streams.
@Suite(.timeLimit(.minutes(5))) struct BedrockModelTests {
    private typealias Stream = ConverseStream

    private static let noRetries = Asking.bedrockSettings { $0.retries.retriesMax = 0 }
    private static let usage = Message.Usage(inputTokens: 4, outputTokens: 2)

    @Test("an answer arrives in pieces, its reasoning apart, with stop reason and usage")
    func whole() async throws {
        let pieces: [ScriptedServer.Step] = Stream.whole.flatMap { frame in
            [.send(Stream.chunk(frame)), .pause(.milliseconds(2))]
        }
        let oneByOne = [Stream.head] + pieces + [Stream.end]
        let atOnce = [Stream.head, .send(Stream.chunk(Stream.whole.flatMap { $0 })), Stream.end]
        let bytes: [ScriptedServer.Step] = Stream.whole.flatMap { $0 }.map { .send(Stream.chunk([$0])) }
        for steps in [oneByOne, atOnce, [Stream.head] + bytes + [Stream.end]] {
            let outcome = try await Asking.askBedrock(steps)
            #expect(outcome.text == "Hello é🙂")
            #expect(outcome.reasoning == "Thinking.")
            #expect(outcome.finish == ModelFinish(stopReason: "end_turn", usage: Self.usage))
        }
    }

    @Test("the request is signed, and its path is what was signed")
    func request() async throws {
        try await ScriptedServer.run([Stream.head, Stream.frames(Stream.stop, Stream.metadata), Stream.end]) {
            server in
            try await Asking.withHTTP { http in
                _ = await Asking.ask(try Asking.bedrock(server, http: http))
                let key = BedrockAuthority(bearer: "ABSK-word")
                _ = await Asking.ask(try Asking.bedrock(server, http: http, authority: key))
            }
            let requests = server.requests
            #expect(requests.count == 2)
            let line = "POST /model/us.amazon.nova-micro-v1%3A0/converse-stream HTTP/1.1"
            #expect(requests.map(\.line) == [line, line])
            let signed = requests[0].headers, bearer = requests[1].headers
            let host = server.rootURL.dropFirst("http://".count)
            #expect(signed["host"] == String(host))
            #expect(signed["x-amz-security-token"] == "token-word")
            #expect(signed["content-type"] == "application/json")
            #expect(
                signed["authorization"]?.contains(
                    "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=") == true)
            #expect(bearer["authorization"] == "Bearer ABSK-word" && bearer["x-amz-date"] == nil)
        }
    }

    @Test(
        "an exception inside the 200 keeps the text before it",
        arguments: [
            ("throttlingException", ModelError.Kind.throttled),
            ("modelStreamErrorException", .unavailable), ("internalServerException", .unavailable),
            ("serviceUnavailableException", .unavailable), ("validationException", .refused),
            ("ThrottlingException", .throttled), ("somethingNew", .unavailable),
        ])
    func exception(name: String, kind: ModelError.Kind) async throws {
        let outcome = try await Asking.askBedrock([
            Stream.head, Stream.frames(Stream.start, Stream.text("a"), Stream.exception(name)), Stream.end,
        ])
        #expect(outcome.text == "a" && outcome.finish == nil)
        #expect(outcome.kind == kind)
        #expect(outcome.detail.hasPrefix("inside the stream, ") && !outcome.detail.contains("prompt words"))
    }

    @Test("an error frame and an exception after the stop reason end the answer too")
    func errorFrames() async throws {
        let error = EventStreamFrames.frame(
            [
                (":error-code", .string("InternalFailure")), (":error-message", .string("Hi")),
                (":message-type", .string("error")),
            ], payload: [])
        let outcome = try await Asking.askBedrock(
            [Stream.head, Stream.frames(Stream.text("a"), error), Stream.end])
        #expect(outcome.text == "a" && outcome.kind == .unavailable)
        #expect(outcome.detail == "inside the stream, InternalFailure")
        let late = try await Asking.askBedrock([
            Stream.head,
            Stream.frames(Stream.text("a"), Stream.stop, Stream.exception("modelStreamErrorException")),
            Stream.end,
        ])
        #expect(late.text == "a" && late.kind == .unavailable)
    }

    @Test("a stream that breaks anywhere before its stop reason is cut off")
    func cut() async throws {
        let text = Stream.text("a")
        let inside = Stream.chunk(text + text.prefix(40))
        let ends: [[ScriptedServer.Step]] = [
            [.send(Stream.chunk(text)), Stream.end], [.send(Stream.chunk(text)), .close],
            [.send(inside), Stream.end], [.send(inside), .close],
        ]
        for end in ends {
            let outcome = try await Asking.askBedrock([Stream.head] + end)
            #expect(outcome.text == "a" && outcome.kind == .cutOff && outcome.finish == nil)
        }
    }

    @Test("after the stop reason neither a broken connection nor missing counts are a loss")
    func afterStop() async throws {
        let ends: [[ScriptedServer.Step]] = [[Stream.end], [.close], [.awaitDeparture]]
        for end in ends {
            let outcome = try await Asking.askBedrock(
                [Stream.head, Stream.frames(Stream.text("a"), Stream.stop)] + end)
            #expect(outcome.text == "a")
            #expect(outcome.finish == ModelFinish(stopReason: "end_turn"))
        }
    }

    @Test("a filtered answer without text is a refusal; with text it ends with that reason")
    func filtered() async throws {
        let stop = EventStreamFrames.event("messageStop", #"{"stopReason":"guardrail_intervened"}"#)
        #expect(
            try await Asking.askBedrock([Stream.head, Stream.frames(stop), Stream.end]).kind == .refused)
        let outcome = try await Asking.askBedrock(
            [Stream.head, Stream.frames(Stream.text("a"), stop), Stream.end])
        #expect(outcome.finish?.stopReason == "guardrail_intervened")
    }

    @Test("a damaged frame and an answer that is no event stream are malformed")
    func malformed() async throws {
        var damaged = Stream.text("b")
        damaged[60] ^= 1
        let outcome = try await Asking.askBedrock(
            [Stream.head, Stream.frames(Stream.text("a"), damaged, Stream.stop), Stream.end])
        #expect(outcome.text == "a" && outcome.kind == .malformed)
        #expect(outcome.detail == "a frame does not match its checksum")
        let page = try await Asking.askBedrock(
            Reply.status("200 OK", "<html>", headers: "content-type: text/html"))
        #expect(page.kind == .malformed)
    }

    @Test("an answer past its bound ends with the reason length, and its connection is closed")
    func full() async throws {
        let settings = Asking.bedrockSettings { $0.answerBytesMax = 4 }
        try await ScriptedServer.run([
            Stream.head, Stream.frames(Stream.text("abc"), Stream.text("déf")), .awaitDeparture,
        ]) { server in
            try await Asking.withHTTP { http in
                let outcome = await Asking.ask(try Asking.bedrock(server, settings, http: http))
                #expect(outcome.text == "abcd" && outcome.finish?.stopReason == "length")
            }
            #expect(try await server.departure(within: .seconds(30)) != nil)
        }
    }

    @Test("throttled before the first token, inside the stream or by status, it is asked again")
    func retried() async throws {
        let inStream = [
            Stream.head, Stream.frames(Stream.start, Stream.exception("throttlingException")), Stream.end,
        ]
        let status = Stream.error("429 Too Many", "ThrottlingException:http://x/", #"{"message":"slow"}"#)
        let good = [Stream.head, Stream.frames(Stream.text("ok"), Stream.stop, Stream.metadata), Stream.end]
        try await ScriptedServer.run(inStream, status, good) { server in
            try await Asking.withHTTP { http in
                let outcome = await Asking.ask(try Asking.bedrock(server, http: http))
                #expect(outcome.text == "ok" && outcome.finish?.usage == Self.usage)
            }
            #expect(server.requests.count == 3)
        }
    }

    @Test("after the first delta nothing is asked again")
    func notRetried() async throws {
        let reply = [
            Stream.head, Stream.frames(Stream.text("a"), Stream.exception("throttlingException")), Stream.end,
        ]
        try await ScriptedServer.run(reply) { server in
            try await Asking.withHTTP { http in
                let outcome = await Asking.ask(try Asking.bedrock(server, http: http))
                #expect(outcome.kind == .throttled)
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test("a server that sends a byte now and then meets the deadlines")
    func slow() async throws {
        let drip: [ScriptedServer.Step] = Stream.text("a").map { .send(Stream.chunk([$0])) }
            .flatMap { [$0, .pause(.milliseconds(20))] }
        let settings = Asking.bedrockSettings {
            $0.retries.retriesMax = 0
            $0.deadlines.firstTokenMilliseconds = 300
        }
        let start = ContinuousClock.now
        let outcome = try await Asking.askBedrock([Stream.head] + drip, settings: settings)
        #expect(outcome.kind == .timedOut && outcome.text.isEmpty)
        #expect(ContinuousClock.now - start < .seconds(10))
        let silent = Asking.bedrockSettings { $0.deadlines.gapMilliseconds = 200 }
        let gap = try await Asking.askBedrock(
            [Stream.head, Stream.frames(Stream.text("a")), .awaitDeparture], settings: silent)
        #expect(gap.kind == .timedOut && gap.text == "a" && gap.detail == "nothing for 200 ms")
    }
}
