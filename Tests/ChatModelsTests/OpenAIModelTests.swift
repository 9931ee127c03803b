import ChatCore
import Testing

@testable import ChatModels

/// The whole client against servers that behave, and servers that do not.
@Suite(.timeLimit(.minutes(5))) struct OpenAIModelTests {
    @Test("an answer arrives in pieces, with its reason and usage")
    func normal() async throws {
        let usage = Reply.event(
            #"{"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}"#)
        let outcome = try await Asking.ask([
            .write(Reply.streamHead), .write(Reply.delta("Hel")), .pause(.milliseconds(20)),
            .write(Reply.delta("lo é🙂")),
            .write(Reply.stop + usage + Reply.done + Reply.end),
        ])
        #expect(outcome.text == "Hello é🙂")
        #expect(
            outcome.finish == ModelFinish(stopReason: "stop", usage: .init(inputTokens: 4, outputTokens: 2)))
    }

    @Test("the request holds what was set, and nothing else")
    func request() async throws {
        try await ScriptedServer.run(Reply.answer("a")) { server in
            try await Asking.withHTTP { http in
                let plain = try Asking.model(server.baseURL, Asking.settings(), http: http, key: nil)
                #expect(await Asking.ask(plain).text == "a")
                let full = Asking.settings {
                    $0.outputTokensMax = 9
                    $0.outputLimitField = .maxCompletionTokens
                    $0.temperature = 0.5
                    $0.topP = 0.25
                    $0.stop = ["END"]
                    $0.asksForUsage = false
                    $0.systemRole = .developer
                }
                let prompt = ModelPrompt(
                    system: "Be brief.", messages: [.init(role: .user, text: "Hi \"é\"\n")])
                _ = await Asking.ask(try Asking.model(server.baseURL + "/", full, http: http), prompt)
            }
            let requests = server.requests
            #expect(requests.map(\.line) == Array(repeating: "POST /v1/chat/completions HTTP/1.1", count: 2))
            #expect(requests[0].headers["authorization"] == nil)
            #expect(requests[1].headers["authorization"] == "Bearer sk-secret")
            #expect(requests[0].headers["content-type"] == "application/json")
            #expect(
                requests[0].body
                    == #"{"messages":[{"content":"Hi","role":"user"}],"model":"m","stream":true,"#
                    + #""stream_options":{"include_usage":true}}"#)
            #expect(
                requests[1].body
                    == #"{"max_completion_tokens":9,"messages":[{"content":"Be brief.","role":"developer"},"#
                    + #"{"content":"Hi \"é\"\n","role":"user"}],"model":"m","stop":["END"],"stream":true,"#
                    + #""temperature":0.5,"top_p":0.25}"#)
        }
    }

    @Test("a system prompt goes in front of the first message of a model without that role")
    func systemAsUser() {
        let settings = Asking.settings { $0.systemRole = .user }
        let prompt = ModelPrompt(system: "Be brief.", messages: [.init(role: .user, text: "Hi")])
        let request = ChatCompletionRequest(prompt: prompt, settings: settings)
        #expect(request.messages == [.init(role: "user", content: "Be brief.\n\nHi")])
    }

    @Test("a stream that comes byte by byte, with CRLF and comments, is the same answer")
    func trickled() async throws {
        let body = [
            ": OPENROUTER PROCESSING", "", #"data: {"choices":[{"delta":{"content":"é🙂"}}]}"#, "", ":",
            #"data: {"choices":[{"delta":{"content":"!"},"#, #"data: "finish_reason":"stop"}]}"#, "",
            "data: [DONE]", "", "",
        ].joined(separator: "\r\n")
        let outcome = try await Asking.ask([
            .write(Reply.streamHead), .trickle(Reply.chunk(body)), .write(Reply.end),
        ])
        #expect(outcome.text == "é🙂!")
        #expect(outcome.finish?.stopReason == "stop")
    }

    @Test("an error object in the same packet as text keeps the text")
    func errorAfterText() async throws {
        let failing = Reply.event(
            #"{"error":{"message":"prompt words","type":"overloaded_error","code":503}}"#)
        let outcome = try await Asking.ask([.write(Reply.streamHead + Reply.delta("a") + failing + Reply.end)]
        )
        #expect(outcome.text == "a")
        #expect(outcome.kind == .unavailable)
        #expect(outcome.detail == "error inside the stream, code 503, type overloaded_error")
    }

    @Test(
        "a connection that breaks in the middle is cut off, wherever it breaks",
        arguments: ["", "7", "29\r\ndata: {\"choices\":[{\"delta\":{\"con"])
    func brokenConnection(tail: String) async throws {
        let outcome = try await Asking.ask([.write(Reply.streamHead + Reply.delta("a") + tail), .close])
        #expect(outcome.text == "a")
        #expect(outcome.kind == .cutOff)
    }

    @Test("a body that ends properly but too early is cut off, with [DONE] and in mid-event too")
    func endsTooEarly() async throws {
        for tail in [Reply.done, "", Reply.chunk("data: {\"choi")] {
            let outcome = try await Asking.ask([
                .write(Reply.streamHead + Reply.delta("a") + tail + Reply.end)
            ])
            #expect(outcome.text == "a")
            #expect(outcome.kind == .cutOff)
        }
    }

    @Test("an answer that is whole stays whole when its connection breaks afterwards")
    func brokenAfterDone() async throws {
        let outcome = try await Asking.ask([
            .write(Reply.streamHead + Reply.delta("a") + Reply.stop + Reply.done), .pause(.milliseconds(20)),
            .close,
        ])
        #expect(outcome.finish?.stopReason == "stop")
    }

    @Test("a server that never ends its body does not keep the reader waiting")
    func endlessBody() async throws {
        let start = ContinuousClock.now
        let outcome = try await Asking.ask([
            .write(Reply.streamHead + Reply.delta("a") + Reply.stop + Reply.done), .awaitDeparture,
        ])
        #expect(outcome.finish?.stopReason == "stop")
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test("two answers use one connection when the server ends its bodies")
    func keptConnection() async throws {
        try await ScriptedServer.run(Reply.answer("a"), Reply.answer("b")) { server in
            try await Asking.withHTTP { http in
                let model = try Asking.model(server.baseURL, Asking.settings(), http: http)
                #expect(await Asking.ask(model).text == "a")
                #expect(await Asking.ask(model).text == "b")
            }
            #expect(server.requests.count == 2)
            #expect(server.connectionCount == 1)
        }
    }

    @Test("a server that does not stream is understood too")
    func wholeJSON() async throws {
        let body =
            #"{"choices":[{"index":0,"message":{"role":"assistant","content":"Hello"},"#
            + #""finish_reason":"stop"}]}"#
        let outcome = try await Asking.ask(
            Reply.status("200 OK", body, headers: "content-type: application/json"))
        #expect(outcome.text == "Hello")
        #expect(outcome.finish?.stopReason == "stop")
    }

    @Test("a web page with status 200 says that the base URL is wrong")
    func webPage() async throws {
        let outcome = try await Asking.ask(
            Reply.status("200 OK", "<html>Welcome</html>", headers: "content-type: text/html; charset=utf-8"))
        #expect(outcome.kind == .malformed)
        #expect(outcome.detail.contains("base URL"))
    }

    @Test("a line of megabytes is refused in bounded memory")
    func hugeLine() async throws {
        let piece = Reply.chunk(String(repeating: "x", count: 65_536))
        let steps =
            [.write(Reply.streamHead + Reply.delta("a") + Reply.chunk("data: "))]
            + Array(repeating: ScriptedServer.Step.write(piece), count: 64)
        let outcome = try await Asking.ask(steps)
        #expect(outcome.text == "a")
        #expect(outcome.kind == .malformed)
    }

    @Test("an endless answer ends at its bound, and the connection with it")
    func endlessAnswer() async throws {
        let piece = ScriptedServer.Step.write(Reply.delta(String(repeating: "y", count: 1_000)))
        try await ScriptedServer.run(
            [.write(Reply.streamHead)] + Array(repeating: piece, count: 20) + [.awaitDeparture]
        ) { server in
            try await Asking.withHTTP { http in
                let settings = Asking.settings { $0.answerBytesMax = 10_500 }
                let outcome = await Asking.ask(try Asking.model(server.baseURL, settings, http: http))
                #expect(outcome.text.utf8.count == 10_500)
                #expect(outcome.finish?.stopReason == "length")
                #expect(try await server.departure(within: .seconds(30)) != nil)
            }
        }
    }
}
