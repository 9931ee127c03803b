import ChatCore
import ChatTesting
import ServiceLifecycle
import Testing

@testable import ChatServer

@Suite("Leaving", .timeLimit(.minutes(5)))
struct ShutdownTests {
    @Test(
        "a server that is asked to end sends its readers elsewhere and ends in time", .timeLimit(.minutes(5)))
    func graceful() async throws {
        try await TestServer.run(model: ScriptedModel([.text("so far"), .gate])) { server in
            let (key, path) = try await server.conversation()
            try await server.say("Hi", in: path, key: key)
            try await server.client.follow(path + "/events", key: key) { source in
                var page = EventPage()
                try await EventPage.read(&source, into: &page) { $0.texts.values.contains("so far") }
                // Nobody but the group is told: the server itself lets the task leave.
                await server.group.triggerGracefulShutdown()
                var last: EventSource.Event?
                while let event = try await source.next() { last = event }
                #expect(last?.name == "restart")
                #expect(last?.id == page.cursor)
                #expect(source.hasEnded)
            }
        }
    }

    @Test("a task that left is not ready, begins nothing, and takes no readers")
    func left() async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            server.task.leave()
            let ready = try await server.client.send(.get, "/readyz")
            #expect(ready.status == 503)
            #expect(try ready.json.text("detail")?.contains("leaving") == true)
            #expect(try await server.client.send(.get, "/livez").status == 200)
            let turn = try await server.say("Hi", in: path, key: key)
            #expect(turn.status == 503)
            #expect(turn["Retry-After"] != nil)
            // Only sent away again, and again: so it is told to wait before it comes back.
            let events = try await server.client.send(.get, path + "/events", key: key)
            #expect(events.status == 503)
            #expect(events["Retry-After"] != nil)
        }
    }
}
