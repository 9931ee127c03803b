import ChatCore
import ChatTesting
import NIOHTTP1
import Testing

@testable import ChatServer

@Suite("A session's event stream", .timeLimit(.minutes(5)))
struct SessionEventTests {
    private static let path = "/api/v1/session/events"

    @Test("a window hears of conversations that are made, answered, renamed and deleted elsewhere")
    func everything() async throws {
        try await TestServer.run(model: ScriptedModel([.gate, .text("a")])) { server in
            let (key, path) = try await server.conversation()
            let cursor = try await server.client.follow(Self.path, key: key) { source in
                try await source.comment()
                #expect(source.head?.headers.first(name: "Content-Type") == "text/event-stream")
                let list = try #require(try await source.next())
                #expect(list.name == "list" && list.data.at("more") == .bool(false))
                #expect(list.data.text("conversations.0.id") == "talk")
                try Self.expectConversation(list.data.at("conversations.0"))
                try await server.say("Hello", in: path, key: key)
                let running = try #require(try await source.next())
                #expect(running.name == "conversation")
                #expect(running.data.text("conversation.title") == "Hello")
                #expect(running.data.at("conversation.running") == .bool(true))
                try Self.expectConversation(running.data.at("conversation"))
                return running.id
            }
            try await server.client.follow(Self.path, key: key, headers: [("Last-Event-ID", cursor)]) {
                source in
                try await source.comment()
                let json = #"{"title":"Renamed"}"#
                #expect(try await server.client.send(.patch, path, key: key, json: json).status == 200)
                // The cursor was current, so this is the first it hears, and the whole page.
                let list = try #require(try await source.next())
                #expect(list.name == "list" && list.data.text("conversations.0.title") == "Renamed")
                #expect(try await server.client.send(.delete, path, key: key).status == 204)
                let removed = try #require(try await source.next())
                #expect(removed.name == "removed" && removed.data.text("id") == "talk")
                server.task.leave()
                #expect(try await source.next()?.name == "restart")
                #expect(try await source.next() == nil)
            }
        }
    }

    private static func expectConversation(_ value: JSONValue?) throws {
        let document = try OpenAPITests.document()
        let schema = try #require(document["components"]?["schemas"]?["Conversation"])
        #expect(JSONSchema(document: document).fault(in: try #require(value), schema, at: "") == nil)
    }

    @Test("a session that was deleted ends its streams, and a key that opens none begins none")
    func gone() async throws {
        try await TestServer.run { server in
            let key = try await server.key()
            try await server.client.follow(Self.path, key: key) { source in
                try await source.comment()
                #expect(try await source.next()?.name == "list")
                #expect(try await server.client.send(.delete, "/api/v1/session", key: key).status == 204)
                #expect(try await source.next()?.name == "gone")
            }
            #expect(try await server.client.send(.get, Self.path, key: key).status == 401)
            #expect(try await server.client.send(.get, Self.path).status == 401)
        }
    }

    @Test("streams of sessions count among the streams that a task admits")
    func admitted() async throws {
        try await TestServer.run(configuration: { $0.eventStreamsMax = 1 }) { server in
            let (key, path) = try await server.conversation()
            try await server.client.follow(Self.path, key: key) { source in
                try await source.comment()
                #expect(try await server.client.send(.get, path + "/events", key: key).status == 503)
            }
        }
    }
}
