import ChatCore
import ChatTesting
import Testing

@testable import ChatServer

@Suite("Exports over HTTP", .timeLimit(.minutes(5)))
struct ExportRouteTests {
    /// A conversation with an edited prompt.
    private static func talk(_ server: TestServer) async throws -> (key: String, path: String) {
        let (key, path) = try await server.conversation()
        _ = try await server.client.send(
            .patch, path, key: key, json: #"{"title":"Über “alles”/x","system_prompt":"Be\n\nbrief."}"#)
        try await server.say("first", in: path, key: key)
        _ = try await server.answer(in: path, key: key, untilState: "complete")
        _ = try await server.client.send(
            .post, path + "/messages", key: key, json: #"{"id":"m2","text":"second","replaces":"m1"}"#)
        try await server.eventually("the second answer ends") {
            let page = try await server.client.send(.get, path, key: key).json
            return page.text("messages.1.state") == "complete" && page.text("messages.0.id") == "m2"
        }
        return (key, path)
    }

    @Test("one conversation as JSON: a file with a name, all versions, and what is shown")
    func json() async throws {
        try await TestServer.run { server in
            let (key, path) = try await Self.talk(server)
            let file = try await server.client.send(.get, path + "/export", key: key)
            #expect(file.status == 200)
            #expect(file["Content-Type"] == "application/json")
            let disposition = try #require(file["Content-Disposition"])
            #expect(disposition.hasPrefix("attachment; filename=\"_ber-alles-x-20"), "\(disposition)")
            #expect(disposition.contains("filename*=UTF-8''%C3%9Cber-alles-x-20"))
            #expect(disposition.hasSuffix(".json"))
            #expect(file["Cache-Control"] == "no-store")
            let json = try file.json
            #expect(json.text("format") == "stoa-export" && json.at("version")?.whole == 1)
            let talk = try #require(json.at("conversations.0"))
            #expect(talk.text("system_prompt") == "Be\n\nbrief.")
            #expect(talk.at("messages")?.count == 4)
            #expect(talk.at("messages.0.follows") == .null && talk.at("messages.2.follows") == .null)
            #expect(talk.text("messages.1.follows") == "m1" && talk.text("messages.3.follows") == "m2")
            #expect(talk.text("messages.1.host") == "test-host")
            #expect(talk.text("shown") == talk.text("messages.3.id"))
            let document = try OpenAPITests.document()
            let schema = try #require(document.at("components.schemas.ExportFile"))
            #expect(JSONSchema(document: document).fault(in: json, schema, at: "") == nil)
        }
    }

    @Test("as Markdown: the shown messages under headings")
    func markdown() async throws {
        try await TestServer.run { server in
            let (key, path) = try await Self.talk(server)
            let file = try await server.client.send(.get, path + "/export?format=markdown", key: key)
            #expect(file["Content-Type"] == "text/markdown; charset=utf-8")
            #expect(file["Content-Disposition"]?.hasSuffix(".md") == true)
            let text = file.text
            #expect(text.hasPrefix("# Über “alles”/x\n\n*20"))
            #expect(text.contains("\n> Be\n>\n> brief.\n"))
            #expect(text.contains("\n## You · 20") && text.contains(" UTC\n\nsecond\n"))
            #expect(text.contains("\n## scripted · 20") && text.contains(" UTC\n\nHello world\n"))
            #expect(!text.contains("first"))
        }
    }

    @Test("all conversations in the order of the list, however many there are")
    func all() async throws {
        try await TestServer.run { server in
            let key = try await server.key()
            for number in 0..<130 {
                _ = try await server.client.send(
                    .post, "/api/v1/conversations", key: key,
                    json: #"{"id":"c\#(number)","title":"t\#(number)"}"#)
            }
            let json = try await server.client.send(.get, "/api/v1/export", key: key).json
            #expect(json.at("conversations")?.count == 130)
            let list = try await server.client.send(.get, "/api/v1/conversations?limit=100", key: key).json
            for index in 0..<100 {
                #expect(
                    json.text("conversations.\(index).id") == list.text("conversations.\(index).id"))
            }
            let markdown = try await server.client.send(.get, "/api/v1/export?format=markdown", key: key)
            #expect(markdown.text.split(separator: "\n---\n").count == 130)
            let none = try await server.client.send(.get, "/api/v1/export", key: try await server.key())
            #expect(try none.json.at("conversations")?.count == 0)
        }
    }

    @Test("a store that is away for a moment does not break an export; one that stays away does")
    func faults() async throws {
        let store = MemorySessionStore()
        let session = try await store.createSession(
            Session(id: SessionKey().sessionID, created: .now())
        ).id
        let id = ConversationID.random()
        _ = try await store.createConversation(try NewConversation(id: id), in: session, at: .now())
        await store.close()
        let export = Export([id], of: session, store: store)
        await expectError(.unavailable) { try await export.write(as: .json, at: .now()) { _ in } }
    }

    static let days: [(Int64, String)] = [
        (0, "1970-01-01 00:00 UTC"), (-1, "1969-12-31 23:59 UTC"),
        (1_709_164_800_000, "2024-02-29 00:00 UTC"),
        (1_735_689_599_999, "2024-12-31 23:59 UTC"), (4_107_542_400_000, "2100-03-01 00:00 UTC"),
        (951_782_400_000, "2000-02-29 00:00 UTC"),
    ]

    @Test("times are told in UTC", arguments: days)
    func times(_ milliseconds: Int64, _ text: String) {
        #expect(Timestamp(milliseconds: milliseconds).utcText == text)
    }
}
