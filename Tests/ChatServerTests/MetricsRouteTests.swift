import ChatCore
import ChatTesting
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import ChatServer

@Suite("The metrics page", .timeLimit(.minutes(5)))
struct MetricsRouteTests {
    /// The value of a line.
    static func value(_ line: String, in page: String) -> Double? {
        page.split(separator: "\n").first { $0.hasPrefix(line + " ") }
            .flatMap { Double($0.dropFirst(line.count + 1)) }
    }

    @Test("tells requests by route and status, and no key, id or text")
    func requests() async throws {
        try await TestServer.run(model: ScriptedModel([.text("answer-secret")])) { server in
            let (key, path) = try await server.conversation(id: "talk-secret")
            try await server.say("prompt-secret", in: path, key: key)
            _ = try await server.answer(in: path, key: key, untilState: "complete")
            _ = try await server.client.send(.get, "/path-secret/\(key)?query-secret")
            _ = try await server.client.send(.get, "/api/v1/conversations/\(key)", key: key)
            let answer = try await server.client.send(.get, "/metrics")
            #expect(answer.status == 200 && answer["Content-Type"] == MetricsPage.contentType)
            let page = answer.text
            let post = #"method="POST",route="/api/v1/conversations/{id}/messages""#
            #expect(Self.value("stoa_http_requests_total{\(post),status=\"202\"}", in: page) == 1)
            #expect(Self.value("stoa_http_request_seconds_count{\(post)}", in: page) == 1)
            let unrouted = #"stoa_http_requests_total{method="other",route="none",status="404"}"#
            #expect(Self.value(unrouted, in: page) == 1)
            #expect(Self.value("process_resident_memory_bytes", in: page) ?? 0 > 1_000_000)
            #expect(Self.value("process_cpu_seconds_total", in: page) ?? 0 > 0)
            let session = try #require(SessionKey(key)).sessionID
            for secret in ["secret", String(key.dropFirst(5)), session.short, session.description] {
                #expect(!page.contains(secret))
            }
        }
    }

    @Test("counts the streams that are open")
    func streams() async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            try await server.client.follow(path + "/events", key: key) { source in
                _ = try await source.next()
                let page = try await server.client.send(.get, "/metrics").text
                #expect(Self.value("stoa_event_streams_open", in: page) == 1)
            }
            try await server.eventually("the stream is given back") {
                let page = try await server.client.send(.get, "/metrics").text
                return Self.value("stoa_event_streams_open", in: page) == 0
            }
        }
    }

    @Test("tells which part of the task works")
    func parts() async throws {
        let failing = ReadinessPart("other") { throw ChatError(.unavailable, "It is away.") }
        try await TestServer.run(parts: [failing]) { server in
            let page = try await server.client.send(.get, "/metrics").text
            #expect(Self.value(#"stoa_part_ready{part="volume"}"#, in: page) == 1)
            #expect(Self.value(#"stoa_part_ready{part="other"}"#, in: page) == 0)
        }
    }

    @Test("has a port of its own if asked to, and is then on no other")
    func ownPort() async throws {
        let task = ChatTask(
            id: .make(host: "test"), host: "test-host", store: MemorySessionStore(),
            catalogue: try ModelCatalogue([ScriptedModel([])]), liveness: Alone())
        var configuration = ServerConfiguration(port: 0)
        configuration.metricsPort = 0
        let (ports, listening) = AsyncStream<(isMetrics: Bool, port: Int)>.makeStream()
        var quiet = Logger(label: "quiet")
        quiet.logLevel = .critical
        let server = try buildServer(
            task: task, readiness: [], configuration: configuration, logger: quiet,
            onListening: { listening.yield((false, $0)) }, onMetricsListening: { listening.yield((true, $0)) }
        )
        let group = ServiceGroup(configuration: .init(services: [server], logger: quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { await task.run(drain: .zero) }
            var found: [Bool: Int] = [:]
            for await (isMetrics, port) in ports {
                found[isMetrics] = port
                if found.count == 2 { break }
            }
            let pages = LoopbackClient(port: try #require(found[false]))
            let metrics = LoopbackClient(port: try #require(found[true]))
            #expect(pages.port != metrics.port)
            #expect(try await pages.send(.get, "/metrics").status == 404)
            #expect(try await pages.send(.get, "/livez").status == 200)
            let page = try await metrics.send(.get, "/metrics")
            #expect(page.status == 200 && page.text.contains(#"route="/livez",status="200"} 1"#))
            #expect(try await metrics.send(.get, "/api/v1/models").status == 404)
            task.leave()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private struct Alone: TaskLiveness { func isAlive(_ task: TaskID) -> Bool { true } }
}
