import ChatCore
import ChatTesting
import Testing

@testable import ChatServer

@Suite("Conversations over HTTP", .timeLimit(.minutes(5)))
struct ConversationRouteTests {
    @Test("making one twice makes it once, and the first one counts")
    func create() async throws {
        try await TestServer.run { server in
            let key = try await server.key()
            let path = "/api/v1/conversations"
            let json = #"{"id":"c-1_A","title":"T","model":"other","system_prompt":"S"}"#
            let made = try await server.client.send(.post, path, key: key, json: json)
            #expect(made.status == 201)
            #expect(try made.json.text("title") == "T")
            #expect(try made.json.text("model") == "other")
            #expect(try made.json.text("system_prompt") == "S")
            #expect(try made.json.at("running") == .bool(false))
            let again = try await server.client.send(
                .post, path, key: key, json: #"{"id":"c-1_A","title":"U"}"#)
            #expect(again.status == 200)
            #expect(try again.json == made.json)
            let unnamed = try await server.client.send(.post, path, key: key, json: "{}")
            #expect(unnamed.status == 201)
            #expect(try unnamed.json.text("id")?.isEmpty == false)
            #expect(try unnamed.json.at("model") == .null)
        }
    }

    @Test("the list comes in pages, newest first")
    func list() async throws {
        try await TestServer.run { server in
            let key = try await server.key()
            for number in 0..<5 {
                _ = try await server.client.send(
                    .post, "/api/v1/conversations", key: key, json: #"{"id":"c\#(number)"}"#)
            }
            var ids: [String] = []
            var next: String? = ""
            while let cursor = next {
                let query = cursor.isEmpty ? "?limit=2" : "?limit=2&before=\(cursor)"
                let page = try await server.client.send(.get, "/api/v1/conversations\(query)", key: key).json
                for index in 0..<(page.at("conversations")?.count ?? 0) {
                    ids.append(try #require(page.text("conversations.\(index).id")))
                }
                next = page.text("next")
            }
            #expect(Set(ids) == ["c0", "c1", "c2", "c3", "c4"])
            #expect(ids.count == 5)
            for query in ["limit=0", "limit=-1", "limit=x", "before=x", "limit=1&limit=2"] {
                let answer = try await server.client.send(.get, "/api/v1/conversations?\(query)", key: key)
                #expect(answer.status == 400, "\(query)")
                #expect(try answer.json.text("detail")?.contains(query.prefix(5)) == true)
            }
            #expect(
                try await server.client.send(.get, "/api/v1/conversations?limit=999", key: key).status == 200)
        }
    }

    @Test("a patch tells null from absent")
    func patch() async throws {
        try await TestServer.run { server in
            let key = try await server.key()
            _ = try await server.client.send(
                .post, "/api/v1/conversations", key: key,
                json: #"{"id":"talk","title":"T","model":"other","system_prompt":"S"}"#)
            let path = "/api/v1/conversations/talk"
            func patch(_ json: String) async throws -> JSONValue {
                let answer = try await server.client.send(.patch, path, key: key, json: json)
                #expect(answer.status == 200)
                return try answer.json
            }
            let same = try await patch("{}")
            #expect(
                same.text("model") == "other" && same.text("system_prompt") == "S"
                    && same.at("version") == .integer(1))
            let cleared = try await patch(#"{"model":null,"pinned":true}"#)
            #expect(cleared.at("model") == .null && cleared.text("system_prompt") == "S")
            #expect(cleared.at("pinned") == .bool(true) && cleared.at("version") == .integer(2))
            let renamed = try await patch(#"{"title":"","system_prompt":null,"future":1}"#)
            #expect(renamed.text("title")?.isEmpty == true && renamed.at("system_prompt") == .null)
            for json in [
                #"{"title":null}"#, #"{"title":1}"#, #"{"model":1}"#, #"{"model":"none-such"}"#,
                #"{"pinned":"yes"}"#,
                #"{"pinned":null}"#, #"{"system_prompt":[]}"#, #"{"model":""}"#,
            ] {
                let answer = try await server.client.send(.patch, path, key: key, json: json)
                #expect(answer.status == 400, "\(json)")
                #expect(try answer.json.text("code") == "invalid")
            }
            let long = #"{"title":"\#(String(repeating: "x", count: 600))"}"#
            #expect(try await server.client.send(.patch, path, key: key, json: long).status == 413)
        }
    }

    @Test("messages come in pages from the end, with their HTML when asked for")
    func pages() async throws {
        try await TestServer.run(model: ScriptedModel([.text("# Hi\n\nyou <b>")])) { server in
            let (key, path) = try await server.conversation()
            for number in 1...3 {
                try await server.say("prompt \(number)", id: "m\(number)", in: path, key: key)
                try await server.eventually("the answer ends") {
                    try await server.client.send(.get, path, key: key).json.at("conversation.running")
                        == .bool(false)
                }
            }
            let last = try await server.client.send(.get, path + "?limit=4&render=html", key: key).json
            #expect(last.at("messages")?.count == 4)
            #expect(last.text("messages.0.text") == "prompt 2")
            #expect(last.at("messages.0.blocks") == nil)
            #expect(
                last.at("messages.3.blocks")
                    == .array([.string("<h1>Hi</h1>\n"), .string("<p>you &lt;b&gt;</p>\n")]))
            #expect(last.text("messages.3.state") == "complete")
            #expect(last.text("messages.3.host") == "test-host")
            #expect(last.text("messages.3.prompt") == "m3")
            #expect(last.at("earlier") == .integer(3))
            let first = try await server.client.send(.get, path + "?limit=4&before=3", key: key).json
            #expect(first.at("messages")?.count == 2 && first.at("earlier") == .null)
            #expect(first.at("messages.1.blocks") == nil)
            for query in ["render=pdf", "before=x", "limit=0"] {
                #expect(try await server.client.send(.get, "\(path)?\(query)", key: key).status == 400)
            }
        }
    }

    @Test("unknown ids, impossible ids and another session's ids look the same")
    func unknown() async throws {
        try await TestServer.run { server in
            let (_, path) = try await server.conversation()
            let stranger = try await server.key()
            var seen: Set<String> = []
            for path in [
                path, "/api/v1/conversations/none", "/api/v1/conversations/a%20b",
                "/api/v1/conversations/a.b",
            ] {
                let requests: [(LoopbackClient.Method, String, String?)] = [
                    (.get, path, nil), (.patch, path, "{}"), (.post, path + "/reset", nil),
                    (.post, path + "/stop", nil),
                    (.post, path + "/messages", #"{"id":"m","text":"t"}"#), (.get, path + "/events", nil),
                    (.get, path + "/events?cursor=5.0", nil),
                ]
                for (method, path, json) in requests {
                    let answer = try await server.client.send(
                        method, path, key: stranger, headers: [("Content-Type", "application/json")],
                        body: json.map { Array($0.utf8) })
                    #expect(answer.status == 404, "\(method.rawValue) \(path)")
                    seen.insert(answer.text)
                }
            }
            #expect(seen.count == 1)
        }
    }

    @Test("deleting and resetting")
    func deleteAndReset() async throws {
        try await TestServer.run(model: ScriptedModel([.text("a"), .gate])) { server in
            let (key, path) = try await server.conversation()
            try await server.say("x", in: path, key: key)
            let reset = try await server.client.send(.post, path + "/reset", key: key)
            #expect(reset.status == 200)
            #expect(try reset.json.at("messages") == .integer(0))
            #expect(try reset.json.at("running") == .bool(false))
            #expect(try await server.client.send(.delete, path, key: key).status == 204)
            #expect(try await server.client.send(.delete, path, key: key).status == 204)
            #expect(try await server.client.send(.get, path, key: key).status == 404)
            try await server.eventually("the answer is given up") { server.task.runningAnswerCount == 0 }
        }
    }
}
