import ChatCore
import Logging
import Synchronization
import Testing

@testable import ChatServer

@Suite("Health", .timeLimit(.minutes(5)))
struct HealthRouteTests {
    @Test("a task that works is alive and ready, for GET and HEAD")
    func healthy() async throws {
        try await TestServer.run { server in
            for path in ["/livez", "/readyz"] {
                #expect(try await server.client.send(.get, path).status == 200)
                let head = try await server.client.send(.head, path)
                #expect(head.status == 200 && head.body.isEmpty)
            }
        }
    }

    @Test("a volume that fails makes a task not ready, in words that name it, and leaves it alive")
    func failing() async throws {
        struct Broken: Error {}
        try await TestServer.run(readiness: { throw Broken() }) { server in
            let answer = try await server.client.send(.get, "/readyz")
            #expect(answer.status == 503)
            #expect(try answer.json.text("code") == "unavailable")
            #expect(try answer.json.text("detail")?.contains("volume") == true)
            #expect(answer["Retry-After"] != nil)
            #expect(try await server.client.send(.get, "/livez").status == 200)
            #expect(server.logs.lines.contains { $0.level == .warning && $0.text.contains("Broken") })
        }
    }

    @Test("each part says how it is, and the answer which of them failed")
    func parts() async throws {
        let half = ReadinessPart("shards") { "One of them is damaged." }
        try await TestServer.run(parts: [half]) { server in
            let answer = try await server.client.send(.get, "/readyz")
            #expect(answer.status == 200)
            #expect(try answer.json.text("status") == "ready")
            #expect(try answer.json.text("parts.0.name") == "volume")
            #expect(try answer.json.text("parts.0.state") == "ready")
            #expect(try answer.json.text("parts.1.state") == "degraded")
            #expect(try answer.json.text("parts.1.detail") == "One of them is damaged.")
        }
        let whole = ReadinessPart("shards") {
            throw ChatError(.unavailable, "All are damaged.", cause: "x-cause")
        }
        try await TestServer.run(parts: [whole]) { server in
            let answer = try await server.client.send(.get, "/readyz")
            #expect(answer.status == 503 && answer["Content-Type"] == "application/problem+json")
            #expect(try answer.json.text("detail") == "All are damaged.")
            #expect(try answer.json.text("parts.0.state") == "ready")
            #expect(try answer.json.text("parts.1.state") == "failed")
            #expect(!answer.text.contains("x-cause"))
            #expect(try await server.client.send(.head, "/readyz").body.isEmpty)
            #expect(server.logs.lines.contains { $0.level == .warning && $0.text.contains("x-cause") })
        }
    }

    @Test("a volume that hangs is not waited for, and not asked again while it hangs")
    func hanging() async throws {
        let asked = Counter()
        try await TestServer.run(
            configuration: { $0.readinessTimeoutMilliseconds = 100 },
            readiness: {
                asked.add()
                // Longer than four probes take on the slowest machine; nobody waits for its end.
                try? await Task.sleep(for: .seconds(600))
            }
        ) { server in
            for _ in 0..<4 {
                let began = ContinuousClock.now
                let answer = try await server.client.send(.get, "/readyz")
                #expect(answer.status == 503)
                #expect(try answer.json.text("detail")?.contains("0.1 seconds") == true)
                #expect(ContinuousClock.now - began < .seconds(20))
            }
            #expect(asked.count == 1)
        }
    }

    @Test("a flood of probes asks the volume a few times a second")
    func flood() async throws {
        let asked = Counter()
        try await TestServer.run(
            configuration: { $0.readinessCacheMilliseconds = 60_000 }, readiness: { asked.add() }
        ) { server in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<50 {
                    group.addTask { try await server.client.send(.get, "/readyz").status }
                }
                for try await status in group { #expect(status == 200) }
            }
            #expect(asked.count == 1)
        }
    }

    final class Counter: Sendable {
        private let total = Mutex(0)
        var count: Int { total.withLock { $0 } }
        func add() { total.withLock { $0 += 1 } }
    }
}
