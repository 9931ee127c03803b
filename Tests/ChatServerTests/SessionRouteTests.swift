import ChatCore
import Testing

@testable import ChatServer

@Suite("Sessions and models over HTTP", .timeLimit(.minutes(5)))
struct SessionRouteTests {
    @Test("a session is made with its key, and looked at with it")
    func createAndLook() async throws {
        try await TestServer.run { server in
            let made = try await server.client.send(.post, "/api/v1/sessions")
            #expect(made.status == 201)
            let json = try made.json
            let key = try #require(json.text("key"))
            let parsed = try #require(SessionKey(key))
            #expect(json.text("session.id") == parsed.sessionID.hexadecimal)
            #expect(json.text("session.short") == parsed.sessionID.short)
            #expect(made["X-Served-By"] == server.task.id.rawValue)
            #expect(made["X-Request-Id"]?.isEmpty == false)
            #expect(made["Cache-Control"] == "no-store")

            let seen = try await server.client.send(.get, "/api/v1/session", key: key)
            #expect(seen.status == 200)
            #expect(try seen.json.text("task") == server.task.id.rawValue)
            #expect(try seen.json.text("host") == "test-host")
            #expect(try seen.json.at("session") == json.at("session"))
            #expect(try seen.json.at("conversations") == .array([]))
            #expect(try seen.json.at("more") == .bool(false))
        }
    }

    @Test("the overview has the fifty newest conversations, and says that there are more")
    func overview() async throws {
        try await TestServer.run { server in
            let key = try await server.key()
            for number in 0..<51 {
                _ = try await server.client.send(
                    .post, "/api/v1/conversations", key: key, json: #"{"id":"c\#(number)"}"#)
            }
            let json = try await server.client.send(.get, "/api/v1/session", key: key).json
            #expect(json.at("conversations")?.count == 50)
            #expect(json.at("more") == .bool(true))
        }
    }

    @Test("a forgotten session is gone, and forgetting it again is no error")
    func forget() async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            #expect(try await server.client.send(.delete, "/api/v1/session", key: key).status == 204)
            #expect(try await server.client.send(.delete, "/api/v1/session", key: key).status == 204)
            #expect(try await server.client.send(.get, "/api/v1/session", key: key).status == 401)
            #expect(try await server.client.send(.get, path, key: key).status == 401)
        }
    }

    @Test("the models are told without a key")
    func models() async throws {
        try await TestServer.run { server in
            let answer = try await server.client.send(.get, "/api/v1/models")
            #expect(answer.status == 200)
            #expect(try answer.json.text("default") == "scripted")
            #expect(try answer.json.text("models.1.id") == "other")
            #expect(try answer.json.at("models.0.context_tokens") == .null)
            #expect(try answer.json.at("limits.prompt_bytes")?.whole == Int64(Limits.promptBytesMax))
        }
    }

    static let guarded: [(LoopbackClient.Method, String)] = [
        (.get, "/api/v1/session"), (.get, "/api/v1/conversations"), (.post, "/api/v1/conversations"),
        (.get, "/api/v1/conversations/talk"), (.patch, "/api/v1/conversations/talk"),
        (.delete, "/api/v1/conversations/talk"), (.post, "/api/v1/conversations/talk/reset"),
        (.post, "/api/v1/conversations/talk/messages"), (.post, "/api/v1/conversations/talk/stop"),
        (.get, "/api/v1/conversations/talk/events"),
    ]

    @Test("without a key that opens a session, every route of one answers 401 and says how")
    func unauthorized() async throws {
        try await TestServer.run { server in
            _ = try await server.conversation()
            let unknown = SessionKey().secretText
            let headers: [[(String, String)]] = [
                [], [("Authorization", "Bearer")], [("Authorization", "Bearer stoa_short")],
                [("Authorization", unknown)],
                [("Authorization", "Basic \(unknown)")], [("Authorization", "Bearer \(unknown)x")],
                [("Authorization", "Bearer \(unknown)")],
                [("Authorization", "Bearer \(unknown)"), ("Authorization", "Bearer \(unknown)")],
            ]
            for (method, path) in Self.guarded {
                for fields in headers {
                    let body = #"{"id":"x","text":"y"}"#
                    let answer = try await server.client.send(
                        method, path, headers: fields + [("Content-Type", "application/json")],
                        body: method == .post || method == .patch ? Array(body.utf8) : nil)
                    #expect(answer.status == 401, "\(method.rawValue) \(path) \(fields.count)")
                    #expect(answer["WWW-Authenticate"]?.hasPrefix("Bearer") == true)
                    #expect(answer["Content-Type"] == "application/problem+json")
                    #expect(try answer.json.text("code") == "unauthorized")
                    #expect(!answer.text.contains("stoa_"))
                }
            }
            #expect(!server.logs.text.contains(unknown.dropFirst(5)))
        }
    }
}
