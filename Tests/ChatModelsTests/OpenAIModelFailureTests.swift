import ChatCore
import Synchronization
import Testing

@testable import ChatModels

/// Statuses, deadlines, retries and cancellation.
@Suite(.timeLimit(.minutes(5))) struct OpenAIModelFailureTests {
    private static let noRetries = Asking.settings { $0.retries.retriesMax = 0 }

    @Test(
        "an error status becomes a sentence for the user and a detail without secrets",
        arguments: [
            (
                "401 Unauthorized",
                #"{"error":{"message":"Incorrect key sk-secret","code":"invalid_api_key"}}"#,
                ModelError.Kind.unauthorized, "HTTP 401, code invalid_api_key"
            ),
            ("404 Not Found", #"{"detail":"Hi is not here"}"#, .unknownModel, "HTTP 404"),
            ("404 Not Found", #"{"error":"model not found: Hi"}"#, .unknownModel, "HTTP 404"),
            (
                "400 Bad Request", #"{"error":{"message":"Hi","type":"invalid request <b>"}}"#, .refused,
                "HTTP 400"
            ),
            ("500 Oops", "<html>Hi sk-secret</html>", .unavailable, "HTTP 500"),
        ])
    func statuses(status: String, body: String, kind: ModelError.Kind, detail: String) async throws {
        let outcome = try await Asking.ask(Reply.status(status, body), settings: Self.noRetries)
        let error = try #require(outcome.error as? ModelError)
        #expect(error.kind == kind)
        #expect(error.detail == detail)
        #expect(error.message == kind.sentence)
    }

    @Test("429 with Retry-After waits as long as asked, then succeeds")
    func throttledOnce() async throws {
        let start = ContinuousClock.now
        let throttled = Reply.status("429 Too Many", "{}", headers: "retry-after-ms: 150")
        try await ScriptedServer.run(throttled, Reply.answer("ok")) { server in
            try await Asking.withHTTP { http in
                let outcome = await Asking.ask(
                    try Asking.model(server.baseURL, Asking.settings(), http: http))
                #expect(outcome.text == "ok")
            }
            #expect(server.requests.count == 2)
        }
        #expect(ContinuousClock.now - start >= .milliseconds(150))
    }

    @Test("retries are bounded, and the last error is the one told")
    func retriesEnd() async throws {
        let throttled = Reply.status("429 Too Many", "{}", headers: "retry-after-ms: 20")
        try await ScriptedServer.run(throttled) { server in
            try await Asking.withHTTP { http in
                let outcome = await Asking.ask(
                    try Asking.model(server.baseURL, Asking.settings(), http: http))
                #expect(outcome.kind == .throttled)
                #expect((outcome.error as? ModelError)?.retryAfterMilliseconds == 20)
            }
            #expect(server.requests.count == 3)
        }
    }

    @Test("a wait past the deadline for the first token is not waited for")
    func waitTooLong() async throws {
        let start = ContinuousClock.now
        let outcome = try await Asking.ask(Reply.status("429 Too Many", "{}", headers: "retry-after: 60"))
        #expect(outcome.kind == .throttled)
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test("what is no passing trouble is asked once", arguments: ["400 Bad", "401 No", "404 No"])
    func noRetry(status: String) async throws {
        try await ScriptedServer.run(Reply.status(status, "{}")) { server in
            try await Asking.withHTTP { http in
                _ = await Asking.ask(try Asking.model(server.baseURL, Asking.settings(), http: http))
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test("after the first delta nothing is asked again")
    func noRetryAfterDelta() async throws {
        try await ScriptedServer.run([.write(Reply.streamHead + Reply.delta("a")), .close]) { server in
            try await Asking.withHTTP { http in
                let outcome = await Asking.ask(
                    try Asking.model(server.baseURL, Asking.settings(), http: http))
                #expect(outcome.text == "a")
                #expect(outcome.kind == .cutOff)
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test("a stream cut off before its first delta is asked again")
    func retryBeforeDelta() async throws {
        let cut: [ScriptedServer.Step] = [.write(Reply.streamHead + Reply.done + Reply.end)]
        try await ScriptedServer.run(cut, Reply.answer("ok")) { server in
            try await Asking.withHTTP { http in
                let outcome = await Asking.ask(
                    try Asking.model(server.baseURL, Asking.settings(), http: http))
                #expect(outcome.text == "ok")
            }
        }
    }

    @Test("a stream without a single event hints at the window")
    func emptyStream() async throws {
        let outcome = try await Asking.ask([.write(Reply.streamHead + Reply.end)])
        #expect(outcome.kind == .tooLong)
        #expect(outcome.detail.contains("window"))
    }

    @Test("nobody listening is unavailable, at once and without the address")
    func refusedConnection() async throws {
        let base = try await ScriptedServer.run([.close]) { $0.baseURL }
        let start = ContinuousClock.now
        let outcome = try await Asking.withHTTP { http in
            await Asking.ask(try Asking.model(base, Self.noRetries, http: http))
        }
        #expect(outcome.kind == .unavailable)
        let told = outcome.detail + ((outcome.error as? ModelError)?.message ?? "")
        #expect(!told.contains("127.0.0.1"))
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test("a first token that does not come in time ends the wait", arguments: [true, false])
    func slowFirstToken(sendsHead: Bool) async throws {
        let settings = Asking.settings { $0.deadlines.firstTokenMilliseconds = 200 }
        let head: [ScriptedServer.Step] = sendsHead ? [.write(Reply.streamHead)] : []
        let outcome = try await Asking.ask(head + [.awaitDeparture], settings: settings)
        #expect(outcome.kind == .timedOut)
        #expect(outcome.detail == "no first token after 200 ms")
    }

    @Test("comments keep a slow answer alive, but not for ever")
    func comments() async throws {
        let comment: [ScriptedServer.Step] = [.write(Reply.chunk(": wait\n\n")), .pause(.milliseconds(200))]
        // Together they last longer than a gap may.
        let comments = Array(repeating: comment, count: 20).flatMap { $0 }
        let steps = [.write(Reply.streamHead + Reply.delta("a"))] + comments
        let alive = Asking.settings { $0.deadlines.gapMilliseconds = 3_000 }
        let rest = ScriptedServer.Step.write(Reply.delta("b") + Reply.stop + Reply.done + Reply.end)
        #expect(try await Asking.ask(steps + [rest], settings: alive).text == "ab")
        let short = Asking.settings { $0.deadlines.wholeMilliseconds = 300 }
        let outcome = try await Asking.ask(steps + [.awaitDeparture], settings: short)
        #expect(outcome.kind == .timedOut)
        #expect(outcome.detail == "no end after 300 ms")
    }

    @Test("a gap in the middle ends the answer, and keeps its text")
    func gap() async throws {
        let settings = Asking.settings { $0.deadlines.gapMilliseconds = 200 }
        let outcome = try await Asking.ask(
            [.write(Reply.streamHead + Reply.delta("a")), .awaitDeparture], settings: settings)
        #expect(outcome.text == "a")
        #expect(outcome.kind == .timedOut)
        #expect(outcome.detail == "nothing for 200 ms")
    }

    @Test("a reader that takes its time is not the server's fault")
    func slowReader() async throws {
        try await ScriptedServer.run(Reply.answer("a", "b")) { server in
            try await Asking.withHTTP { http in
                let settings = Asking.settings { $0.deadlines.gapMilliseconds = 2_000 }
                let model = try Asking.model(server.baseURL, settings, http: http)
                let outcome = await Asking.ask(model) { _ in try await Task.sleep(for: .milliseconds(2_500)) }
                #expect(outcome.text == "ab")
                #expect(outcome.error == nil)
            }
        }
    }

    @Test("cancelling closes the connection at once", arguments: [true, false])
    func cancellation(afterDelta: Bool) async throws {
        let head: [ScriptedServer.Step] = afterDelta ? [.write(Reply.streamHead + Reply.delta("a"))] : []
        try await ScriptedServer.run(head + [.awaitDeparture]) { server in
            try await Asking.withHTTP { http in
                let model = try Asking.model(server.baseURL, Asking.settings(), http: http)
                let heard = Mutex(false)
                let asking = Task { await Asking.ask(model) { _ in heard.withLock { $0 = true } } }
                while server.requests.isEmpty || (afterDelta && !heard.withLock { $0 }) {
                    try await Task.sleep(for: .milliseconds(2))
                }
                let cancelled = ContinuousClock.now
                asking.cancel()
                let departure = try #require(try await server.departure(within: .seconds(30)))
                // The deadline of 20 s would close it, too.
                #expect(departure - cancelled < .seconds(10))
                #expect(await asking.value.error is CancellationError)
            }
        }
    }

    @Test("an error of the reader's own ends the answer unchanged, and closes the connection")
    func readerFails() async throws {
        struct Fenced: Error {}
        try await ScriptedServer.run([.write(Reply.streamHead + Reply.delta("a")), .awaitDeparture]) {
            server in
            try await Asking.withHTTP { http in
                let model = try Asking.model(server.baseURL, Asking.settings(), http: http)
                let outcome = await Asking.ask(model) { _ in throw Fenced() }
                #expect(outcome.error is Fenced)
                #expect(try await server.departure(within: .seconds(30)) != nil)
            }
            #expect(server.requests.count == 1)
        }
    }

    @Test("more answers than the client's own default of 8 run at once")
    func manyAtOnce() async throws {
        let steps: [ScriptedServer.Step] = [
            .write(Reply.streamHead + Reply.delta("a")), .awaitRequests(32),
            .write(Reply.stop + Reply.end),
        ]
        try await ScriptedServer.run(steps) { server in
            try await Asking.withHTTP { http in
                let model = try Asking.model(server.baseURL, Asking.settings(), http: http)
                await withTaskGroup(of: Outcome.self) { group in
                    for _ in 0..<32 { group.addTask { await Asking.ask(model) } }
                    for await outcome in group { #expect(outcome.finish?.stopReason == "stop") }
                }
            }
            #expect(server.connectionCount == 32)
        }
    }
}
