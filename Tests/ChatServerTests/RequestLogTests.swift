import ChatCore
import ChatTesting
import Logging
import Synchronization
import Testing

@testable import ChatServer

@Suite("The log", .timeLimit(.minutes(5)))
struct RequestLogTests {
    @Test("one line a request, without key, text or query")
    func lines() async throws {
        try await TestServer.run(model: ScriptedModel([.text("answer-secret")])) { server in
            let (key, path) = try await server.conversation()
            try await server.say("prompt-secret", in: path, key: key)
            _ = try await server.client.send(.get, path + "?limit=1&before=9&x=query-secret", key: key)
            _ = try await server.client.send(.get, "/path-secret/\(key)")
            _ = try await server.client.send(.get, "/api/v1/conversations/\(key)", key: key)
            _ = try await server.client.send(
                .post, path + "/messages", key: key, json: #"{"id":"body-secret","text":7}"#)
            try await server.client.follow(path + "/events?render=html&cursor=cursor-secret", key: key) {
                source in
                _ = try await source.next()
            }
            try await server.eventually("the stream's end is logged") {
                server.logs.text.contains("stream ended")
            }
            let text = server.logs.text
            #expect(!text.contains("secret"))
            #expect(!text.contains(key.dropFirst(5)))
            let lines = server.logs.lines.filter { $0.text.contains("duration_ms=") }
            #expect(lines.allSatisfy { $0.level == .info })
            #expect(lines.count == 9)
            let session = try #require(SessionKey(key)).sessionID.short
            let turn = try #require(lines.first { $0.text.contains("status=202") }).text
            #expect(
                turn.contains("method=POST") && turn.contains("route=/api/v1/conversations/{id}/messages"))
            #expect(
                turn.contains("session=\(session)") && turn.contains("conversation=talk")
                    && turn.contains("request="))
            #expect(turn.contains("bytes="))
        }
    }

    @Test("a request keeps the id it came with, in its answer and in all its lines, if it is fit for a log")
    func ids() async throws {
        struct Defect: Error {}
        try await TestServer.run(store: FailingStore(error: Defect())) { server in
            let answer = try await server.client.send(
                .post, "/api/v1/sessions", headers: [("X-Request-Id", "a-1_b.C:2")])
            #expect(answer["X-Request-Id"] == "a-1_b.C:2")
            let lines = server.logs.lines.filter { $0.text.contains("request=a-1_b.C:2") }
            #expect(lines.count == 2, "the defect, and the request")
            #expect(lines.contains { $0.level == .error })
            let unfit = [
                "", "a b", "a\"b", "ä", String(repeating: "a", count: 65), "stoa_key", "x;y", "../x",
            ]
            for id in unfit {
                let answer = try await server.client.send(.get, "/livez", headers: [("X-Request-Id", id)])
                let given = try #require(answer["X-Request-Id"])
                #expect(given != id && !given.isEmpty)
                #expect(server.logs.lines.contains { $0.text.contains("request=\(given) ") })
            }
            let twice = try await server.client.send(
                .get, "/livez", headers: [("X-Request-Id", "one"), ("X-Request-Id", "two")])
            #expect(!["one", "two"].contains(twice["X-Request-Id"]))
        }
    }

    @Test("the turn that a request began carries its id")
    func turn() async throws {
        let reported = Mutex<[String?]>([])
        try await TestServer.run(report: { report in reported.withLock { $0.append(report.request) } }) {
            server in
            let (key, path) = try await server.conversation()
            let body = Array(#"{"id":"m1","text":"hello"}"#.utf8)
            _ = try await server.client.send(
                .post, path + "/messages", key: key,
                headers: [("Content-Type", "application/json"), ("X-Request-Id", "who-asked")], body: body)
            _ = try await server.answer(in: path, key: key, untilState: "complete")
            try await server.eventually("the turn is reported") { reported.withLock { $0 } == ["who-asked"] }
        }
    }

    @Test("a defect is logged at error with its cause, and answered without it")
    func defects() async throws {
        struct Defect: Error { let detail = "private-cause" }
        try await TestServer.run(store: FailingStore(error: Defect())) { server in
            let answer = try await server.client.send(.post, "/api/v1/sessions")
            #expect(answer.status == 500)
            #expect(try answer.json.text("code") == "internal")
            #expect(!answer.text.contains("private"))
            #expect(server.logs.lines.contains { $0.level == .error && $0.text.contains("private-cause") })
        }
        let error = ChatError(.internal, "private-message", cause: "private-cause")
        try await TestServer.run(store: FailingStore(error: error)) { server in
            let answer = try await server.client.send(.post, "/api/v1/sessions")
            #expect(answer.status == 500 && !answer.text.contains("private"))
            #expect(server.logs.lines.contains { $0.level == .error && $0.text.contains("private-cause") })
        }
    }

    @Test("busy and away are 503 with a time to come back")
    func busy() async throws {
        for code in [ChatError.Code.busy, .unavailable] {
            try await TestServer.run(store: FailingStore(error: ChatError(code, "x", cause: "private"))) {
                server in
                let answer = try await server.client.send(.post, "/api/v1/sessions")
                #expect(answer.status == 503 && answer["Retry-After"] == "1")
                #expect(try answer.json.text("code") == code.rawValue)
                #expect(!answer.text.contains("private"))
            }
        }
    }

    @Test("more requests at once than allowed are told to come back, probes are not", .timeLimit(.minutes(5)))
    func admission() async throws {
        let answered = HealthRouteTests.Counter()
        let store = FailingStore(error: nil) {
            // Those that are let in stay until the others and the probe have been answered.
            let deadline = ContinuousClock.now + .seconds(30)
            while answered.count < 5, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        try await TestServer.run(store: store, configuration: { $0.requestsMax = 2 }) { server in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let status = try await server.client.send(.post, "/api/v1/sessions").status
                        answered.add()
                        return status
                    }
                }
                #expect(try await server.client.send(.get, "/livez").status == 200)
                answered.add()
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 503 } == 4)
            #expect(statuses.count { $0 == 201 } == 2)
        }
    }
}
