import ChatCore
import ChatTesting
import Testing

@testable import ChatServer

@Suite("Rotating a key over HTTP", .timeLimit(.minutes(5)))
struct RotationRouteTests {
    private static func nonce(_ byte: UInt8) -> String {
        Base64URL.encode([UInt8](repeating: byte, count: 32))
    }

    private static func rotate(_ server: TestServer, _ key: String, _ nonce: String) async throws
        -> LoopbackClient.Answer
    {
        try await server.client.send(
            .post, "/api/v1/session/rotate", key: key, json: #"{"nonce":"\#(nonce)"}"#)
    }

    @Test("the new key opens what the old one did, the old one nothing, and asking again is the same")
    func rotate() async throws {
        try await TestServer.run { server in
            let (old, path) = try await server.conversation()
            try await server.say("Hello", in: path, key: old)
            _ = try await server.answer(in: path, key: old, untilState: "complete")
            let rotated = try await Self.rotate(server, old, Self.nonce(1))
            #expect(rotated.status == 200)
            let key = try #require(try rotated.json.text("key"))
            let id = try rotated.json.text("session.id")
            #expect(key != old && SessionKey(key)?.sessionID.hexadecimal == id)
            #expect(try await server.client.send(.get, path, key: key).json.at("messages")?.count == 2)
            #expect(try await server.client.send(.get, path, key: old).status == 401)
            #expect(try await server.client.send(.get, "/api/v1/session", key: old).status == 401)
            let again = try await Self.rotate(server, old, Self.nonce(1))
            #expect(again.status == 200 && again.body == rotated.body)
            #expect(try await Self.rotate(server, old, Self.nonce(2)).status == 401)
            let next = try await Self.rotate(server, key, Self.nonce(1))
            #expect(next.status == 200)
            #expect(try next.json.text("key") != key)
            // The first answer is asked for once more, after its key was rotated away.
            #expect(try await Self.rotate(server, old, Self.nonce(1)).status == 401)
            for secret in [old, key] { #expect(!server.logs.text.contains(secret.dropFirst(5))) }
        }
    }

    @Test("nothing is rotated while an answer runs, or by a nonce that is none")
    func refused() async throws {
        try await TestServer.run(model: ScriptedModel([.text("a"), .pause(.seconds(600))])) { server in
            let (key, path) = try await server.conversation()
            for nonce in ["", "short", Self.nonce(1) + "A", String(Self.nonce(1).dropLast()) + "é"] {
                #expect(try await Self.rotate(server, key, nonce).status == 400, "\(nonce)")
            }
            try await server.say("Hello", in: path, key: key)
            let running = try await Self.rotate(server, key, Self.nonce(1))
            #expect(running.status == 409)
            #expect(try running.json.text("code") == "answer_running")
            _ = try await server.client.send(.post, path + "/stop", key: key)
            _ = try await server.answer(in: path, key: key, untilState: "stopped")
            #expect(try await Self.rotate(server, key, Self.nonce(1)).status == 200)
        }
    }

    @Test("an answer that a dead task left does not stand in the way")
    func dead() async throws {
        let store = MemorySessionStore()
        try await TestServer.run(store: store) { server in
            let (key, path) = try await server.conversation()
            let session = try #require(SessionKey(key)).sessionID
            let owner = AnswerOwner(task: .random(), host: "gone", epoch: 1)
            let turn = try NewTurn(promptID: .random(), text: "x", model: "scripted", owner: owner)
            _ = try await store.beginTurn(
                turn, in: ConversationID(uncheckedRawValue: "talk"), of: session, at: .now())
            let rotated = try await Self.rotate(server, key, Self.nonce(3))
            #expect(rotated.status == 200)
            let page = try await server.client.send(.get, path, key: try rotated.json.text("key")).json
            #expect(page.text("messages.1.state") == "interrupted")
        }
    }
}
