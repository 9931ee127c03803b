import ChatCore
import ChatTesting
import Testing

@testable import ChatServer

@Suite("Turns over HTTP", .timeLimit(.minutes(5)))
struct MessageRouteTests {
    @Test("a turn is 202, and the same id again is the same turn")
    func turn() async throws {
        try await TestServer.run(model: ScriptedModel([.text("Hello"), .gate, .text(" world")])) { server in
            let (key, path) = try await server.conversation()
            let first = try await server.say("Hi", in: path, key: key)
            #expect(first.status == 202)
            #expect(try first.json.text("prompt.text") == "Hi")
            #expect(try first.json.text("answer.state") == "running")
            #expect(try first.json.at("repeated") == .bool(false))
            #expect(try first.json.text("cursor") == "3.0")

            let again = try await server.say("Hi", in: path, key: key)
            #expect(again.status == 202)
            #expect(try again.json.at("repeated") == .bool(true))
            #expect(try again.json.text("answer.id") == first.json.text("answer.id"))

            let taken = try await server.say("Other", in: path, key: key)
            #expect(taken.status == 409)
            #expect(try taken.json.text("code") == "id_taken")

            let second = try await server.say("More", id: "m2", in: path, key: key)
            #expect(second.status == 409)
            #expect(try second.json.text("code") == "answer_running")
            #expect(second["Retry-After"] == "1")
            #expect(try second.json.at("retry_after_ms") == .integer(1_000))
        }
    }

    @Test("stop ends the answer with what was said, and says when nothing runs")
    func stop() async throws {
        try await TestServer.run(model: ScriptedModel([.text("so far"), .gate])) { server in
            let (key, path) = try await server.conversation()
            let idle = try await server.client.send(.post, path + "/stop", key: key)
            #expect(idle.status == 202)
            #expect(try idle.json.at("stopping") == .bool(false))
            try await server.say("Hi", in: path, key: key)
            #expect(
                try await server.client.send(.post, path + "/stop", key: key).json.at("stopping")
                    == .bool(true))
            try await server.eventually("it stops") {
                try await server.client.send(.get, path, key: key).json.text("messages.1.state") == "stopped"
            }
        }
    }

    @Test("a stop that names an answer stops no other")
    func stopNamed() async throws {
        try await TestServer.run(model: ScriptedModel([.text("so far"), .gate])) { server in
            let (key, path) = try await server.conversation()
            let turn = try await server.say("Hi", in: path, key: key).json
            let answer = try #require(turn.text("answer.id"))
            let stop = { (id: String) in
                try await server.client.send(.post, path + "/stop?answer=\(id)", key: key).json.at("stopping")
            }
            #expect(try await stop("another") == .bool(false))
            #expect(try await stop("m1") == .bool(false), "the prompt is none")
            #expect(
                try await server.client.send(.get, path, key: key).json.text("messages.1.state") == "running")
            #expect(try await stop(answer) == .bool(true))
            _ = try await server.answer(in: path, key: key, untilState: "stopped")
            try await server.say("And now?", id: "m2", in: path, key: key)
            #expect(try await stop(answer) == .bool(false), "sent again")
            #expect(
                try await server.client.send(.get, path, key: key).json.text("messages.3.state") == "running")
        }
    }

    @Test(
        "a body that breaks a rule is refused in words that name the field and repeat nothing",
        arguments: [
            ("", "read"), ("{", "read"), ("[]", "object"), ("\"x\"", "object"), ("null", "object"),
            ("{}", "`id`"),
            (#"{"id":"m"}"#, "`text`"), (#"{"id":1,"text":"t"}"#, "`id`"),
            (#"{"id":"m","text":null}"#, "`text`"),
            (#"{"id":"m","text":["secret"]}"#, "`text`"), (#"{"id":"m","text":"t","model":7}"#, "`model`"),
            (#"{"id":"m","id":"n","text":"t"}"#, "twice"), (#"{"id":"a b","text":"secret"}"#, "id"),
            (#"{"id":"","text":"t"}"#, "id"), (#"{"id":"m","text":"  \n"}"#, "empty"),
            (#"{"id":"m","text":"secret","model":"secret"}"#, "model"),
            (#"{"id":"m","text":"\ud800"}"#, "surrogate"),
            (#"{"id":"m","text":"secret"} trailing"#, "end"),
        ])
    func invalid(json: String, mention: String) async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            let answer = try await server.client.send(.post, path + "/messages", key: key, json: json)
            #expect(answer.status == 400)
            #expect(answer["Content-Type"] == "application/problem+json")
            #expect(try answer.json.text("code") == "invalid")
            #expect(try answer.json.text("detail")?.contains(mention) == true, "\(answer.text)")
            #expect(!answer.text.contains("secret"))
        }
    }

    @Test("bytes that are not UTF-8 and other media types are refused")
    func mediaTypes() async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            let json = #"{"id":"m","text":"t"}"#
            let broken = try await server.client.send(
                .post, path + "/messages", key: key, headers: [("Content-Type", "application/json")],
                body: Array(#"{"id":"m","text":""#.utf8) + [0xFF] + Array(#""}"#.utf8))
            #expect(broken.status == 400)
            for type in [
                "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "",
            ] {
                let answer = try await server.client.send(
                    .post, path + "/messages", key: key,
                    headers: type.isEmpty ? [] : [("Content-Type", type)],
                    body: Array(json.utf8))
                #expect(answer.status == 415, "\(type)")
                #expect(try answer.json.text("code") == "unsupported_media_type")
            }
            for type in ["application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""] {
                let answer = try await server.client.send(
                    .post, path + "/messages", key: key, headers: [("Content-Type", type)],
                    body: Array(json.utf8))
                #expect(answer.status == 202, "\(type)")
            }
        }
    }

    @Test("a body past its limit is refused by its length, and while it is read")
    func tooLarge() async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            // Only announced: the answer comes before any of it is sent.
            let announced = try await server.client.sendRaw(
                "POST \(path)/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                    + "Authorization: Bearer \(key)\r\n"
                    + "Content-Type: application/json\r\nContent-Length: 999999999\r\n\r\n")
            #expect(announced.hasPrefix("HTTP/1.1 413"))
            #expect(announced.contains("too_large"))
            let chunk = [UInt8](repeating: UInt8(ascii: " "), count: 64 * 1024)
            let chunked = try await server.client.sendChunked(
                path + "/messages", key: key, chunks: Array(repeating: chunk, count: 20))
            #expect(chunked.status == 413)
            let prompt = String(repeating: "é", count: Limits.promptBytesMax / 2 + 1)
            #expect(try await server.say(prompt, in: path, key: key).status == 413)
            let escaped = String(repeating: "\n", count: Limits.promptBytesMax - 1) + "x"
            #expect(try await server.say(escaped, in: path, key: key).status == 202)
            let other = #"{"title":"\#(String(repeating: "x", count: 200_000))"}"#
            #expect(try await server.client.send(.patch, path, key: key, json: other).status == 413)
        }
    }

    @Test("unknown paths, other methods and malformed requests are problems too")
    func routing() async throws {
        try await TestServer.run { server in
            for path in [
                "/api/v1/nothing", "/nothing", "/api/v1/conversations/a/b/c", "/assets/none.js",
                "/assets/../x",
            ] {
                let answer = try await server.client.send(.get, path)
                #expect(answer.status == 404, "\(path)")
                #expect(try answer.json.text("code") == "not_found")
                #expect(answer["X-Served-By"] == server.task.id.rawValue)
            }
            let answer = try await server.client.send(.put, "/api/v1/session")
            #expect(answer.status == 405)
            #expect(answer["Allow"] == "GET, DELETE")
            #expect(try answer.json.text("code") == "method_not_allowed")
            #expect(try await server.client.send(.delete, "/api/v1/conversations/a/events").status == 405)
            #expect(try await server.client.sendRaw("NONSENSE\r\n\r\n").hasPrefix("HTTP/1.1 400"))
            let long =
                "GET / HTTP/1.1\r\nHost: x\r\nX-Long: \(String(repeating: "x", count: 200_000))\r\n\r\n"
            #expect(try await server.client.sendRaw(long).hasPrefix("HTTP/1.1 4"))
        }
    }
}
