import ChatCore
import ChatTesting
import Testing

@testable import ChatServer

@Suite("Imports over HTTP", .timeLimit(.minutes(5)))
struct ImportRouteTests {
    /// A file of one conversation with these messages.
    static func file(
        _ messages: [String], shown: String = #""b""#, more: String = "", head: String = ""
    ) -> String {
        """
        {"format":"stoa-export","version":1,"exported_ms":1,\(head)"conversations":[{"id":"c1","title":"t",
        "model":null,"system_prompt":null,"pinned":true,"created_ms":1,"updated_ms":2,"messages":[
        \(messages.joined(separator: ",\n"))],"shown":\(shown)}\(more)]}
        """
    }

    static func message(_ change: (inout [String: String]) -> Void = { _ in }) -> String {
        var fields = [
            "id": #""a""#, "follows": "null", "role": #""user""#, "text": #""hi""#, "state": #""complete""#,
            "model": "null", "stop_reason": "null", "error": "null", "usage": "null", "host": "null",
            "created_ms": "1", "updated_ms": "2",
        ]
        change(&fields)
        return "{" + fields.map { "\"\($0.key)\":\($0.value)" }.sorted().joined(separator: ",") + "}"
    }

    static func answer(_ change: (inout [String: String]) -> Void = { _ in }) -> String {
        message { fields in
            fields["id"] = #""b""#
            fields["follows"] = #""a""#
            fields["role"] = #""assistant""#
            fields["text"] = #""there""#
            change(&fields)
        }
    }

    @Test("an export into another session gives the same export, and again is skipped")
    func roundTrip() async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            try await server.say("first \u{0} “ü” \\ 👍🏽", in: path, key: key)
            _ = try await server.answer(in: path, key: key, untilState: "complete")
            for number in 0..<3 {
                _ = try await server.client.send(
                    .post, path + "/messages/m1/retry", key: key, json: #"{"id":"r\#(number)"}"#)
                try await server.eventually("the answer ends") {
                    let page = try await server.client.send(.get, path, key: key).json
                    return page.text("messages.1.state") == "complete"
                        && page.text("messages.1.id") == "r\(number)"
                }
            }
            _ = try await server.client.send(.patch, path, key: key, json: #"{"pinned":true,"shown":"r1"}"#)
            _ = try await server.client.send(.post, "/api/v1/conversations", key: key, json: "{}")
            let export = try await server.client.send(.get, "/api/v1/export", key: key)
            let other = try await server.key()
            for expected in [(2, 0), (0, 2)] {
                let done = try await server.client.send(
                    .post, "/api/v1/import", key: other, json: export.text)
                #expect(done.status == 200)
                #expect(try done.json.at("imported")?.whole == Int64(expected.0))
                #expect(try done.json.at("skipped")?.whole == Int64(expected.1))
            }
            let again = try await server.client.send(.get, "/api/v1/export", key: other)
            #expect(try again.json.at("conversations") == (try export.json.at("conversations")))
            #expect(try export.json.at("conversations")?.count == 2)
        }
    }

    @Test("a running answer comes in as interrupted, and goes on")
    func running() async throws {
        try await TestServer.run { server in
            let key = try await server.key()
            let file = Self.file([Self.message(), Self.answer { $0["state"] = #""running""# }])
            let done = try await server.client.send(.post, "/api/v1/import", key: key, json: file)
            #expect(done.status == 200, "\(done.text)")
            let page = try await server.client.send(.get, "/api/v1/conversations/c1", key: key).json
            #expect(page.text("messages.1.state") == "interrupted")
            #expect(page.at("conversation.pinned") == .bool(true))
            let version = try #require(page.at("messages.1.version")?.whole)
            let goOn = try await server.client.send(
                .post, "/api/v1/conversations/c1/messages/b/continue", key: key,
                json: #"{"version":\#(version)}"#)
            #expect(goOn.status == 202, "\(goOn.text)")
        }
    }

    /// What is wrong, the status, and what the answer says of its place.
    static let hostile: [(String, Int, String)] = [
        ("", 400, "ends early"), ("[]", 400, "must be an object"), ("{", 400, "ends early"),
        (#"{"format":"x","version":1,"conversations":[]}"#, 400, "`format`"),
        (#"{"format":"stoa-export","version":2,"conversations":[]}"#, 400, "`version`"),
        (#"{"conversations":[],"format":"stoa-export","version":1}"#, 400, "`format`"),
        (#"{"format":"stoa-export","version":1}"#, 400, "`conversations` is missing"),
        (
            #"{"format":"stoa-export","version":1,"conversations":{}}"#, 400,
            "`conversations` must be an array"
        ),
        (#"{"format":"stoa-export","version":1,"conversations":[]}x"#, 400, "followed by something"),
        (#"{"format":"stoa-export","format":"stoa-export"}"#, 400, "a member twice"),
        (file(["1"]), 400, "`conversations[0].messages[0]` must be an object"),
        (file([message(), "null"]), 400, "`conversations[0].messages[1]`"),
        (file([message { $0["id"] = #""../x""# }]), 400, "messages[0].id` is no id"),
        (file([message { $0["id"] = "5" }]), 400, "messages[0].id` must be a string"),
        (file([message { $0["text"] = nil }]), 400, "messages[0].text` is missing"),
        (file([message { $0["text"] = #"" ""# }]), 400, "messages[0].text` is empty"),
        (file([message { $0["role"] = #""system""# }]), 400, "messages[0].role`"),
        (file([message { $0["state"] = #""running""# }]), 400, "messages[0].state`"),
        (file([message { $0["created_ms"] = "1e99" }]), 400, "messages[0].created_ms`"),
        (file([message { $0["created_ms"] = "9223372036854775807" }]), 400, "messages[0].created_ms`"),
        (file([message { $0["updated_ms"] = "-1" }]), 400, "messages[0].updated_ms`"),
        (file([message { $0["created_ms"] = String(repeating: "9", count: 5_000) }]), 400, "created_ms`"),
        (file([message { $0["model"] = #""m""# }]), 400, "messages[0]` is a prompt with"),
        (file([message(), message()]), 400, "messages[1].id` is another message's"),
        (file([message { $0["follows"] = #""a""# }]), 400, "messages[0].follows` names no message"),
        (file([message { $0["follows"] = #""b""# }, answer()]), 400, "messages[0].follows`"),
        (file([message(), answer { $0["follows"] = "null" }]), 400, "messages[1].follows` must name"),
        (
            file([
                message(),
                message {
                    $0["id"] = #""z""#; $0["follows"] = #""a""#
                },
            ]), 400, "same role"
        ),
        (
            file([message(), answer { $0["usage"] = #"{"input_tokens":-1,"output_tokens":2}"# }]), 400,
            "messages[1].usage`"
        ),
        (file([message(), answer { $0["usage"] = "[]" }]), 400, "messages[1].usage`"),
        (file([message(), answer { $0["error"] = #"{"code":1}"# }]), 400, "messages[1]"),
        (file([message(), answer()], shown: #""nobody""#), 400, "conversations[0].shown` names no message"),
        (file([message(), answer()], shown: "null"), 400, "conversations[0].shown` is missing"),
        (file([message(), answer()], more: ",1"), 400, "`conversations[1]` must be an object"),
        (
            file([message { $0["text"] = String(repeating: "[", count: 100_000) }]), 400,
            "messages[0]` cannot be read"
        ),
        (file([String(repeating: #"{"a":"#, count: 50_000)]), 400, "messages[0]`"),
        (
            file([message { $0["text"] = "\"\(String(repeating: "x", count: Limits.promptBytesMax + 1))\"" }]
            ),
            413, "messages[0].text` is too long"
        ),
        (
            file([message(), answer { $0["host"] = "\"\(String(repeating: "h", count: 9_999))\"" }]), 413,
            "messages[1].host`"
        ),
        (file([], head: "\"x\":\"\(String(repeating: "y", count: 300_000))\","), 413, "longer than"),
        (file([message(), answer { $0["text"] = #""\ud800""# }]), 400, "messages[1]` cannot be read"),
    ]

    @Test("what is not an export is refused with the place of the mistake, and changes nothing")
    func refusals() async throws {
        try await TestServer.run { server in
            let key = try await server.key()
            for (number, (body, status, place)) in Self.hostile.enumerated() {
                let answer = try await server.client.send(.post, "/api/v1/import", key: key, json: body)
                #expect(answer.status == status, "\(number): \(answer.text)")
                let detail = try answer.json.text("detail") ?? ""
                #expect(detail.contains(place), "\(number): \(detail) for \(place)")
                let known = place.contains("conversations[1]") ? 1 : 0
                let list = try await server.client.send(.get, "/api/v1/conversations", key: key).json
                #expect(list.at("conversations")?.count == known, "\(number)")
                _ = try await server.client.send(.delete, "/api/v1/conversations/c1", key: key)
            }
        }
    }

    @Test("bytes that come one by one, with spaces anywhere, are the same file")
    func pieces() async throws {
        try await TestServer.run { server in
            let key = try await server.key()
            let file = Self.file([Self.message { $0["text"] = #""a\\\"}],é\u00e9""# }, Self.answer()])
            let spaced = file.split(separator: "\":", omittingEmptySubsequences: false).joined(
                separator: "\"\n\t: ")
            let done = try await server.client.sendChunked(
                "/api/v1/import", key: key, chunks: spaced.utf8.map { [$0] })
            #expect(done.status == 200, "\(done.text)")
            let page = try await server.client.send(.get, "/api/v1/conversations/c1", key: key).json
            #expect(page.text("messages.0.text") == #"a\"}],éé"#)
        }
    }

    @Test("a conversation before the mistake stays, and is told of")
    func partly() async throws {
        try await TestServer.run { server in
            let key = try await server.key()
            let second =
                #",{"id":"c1","title":"again","pinned":false,"created_ms":1,"updated_ms":1,"messages":[]}"#
            let answer = try await server.client.send(
                .post, "/api/v1/import", key: key,
                json: Self.file([Self.message(), Self.answer()], more: second))
            #expect(answer.status == 400)
            let told = """
                `conversations[1].id` is another conversation's. \
                One conversation before that was imported.
                """
            #expect(try answer.json.text("detail") == told)
        }
    }

    @Test("a body past its limit, of another kind, or without a key is refused")
    func bounds() async throws {
        try await TestServer.run(configuration: { $0.importBytesMax = 1_000 }) { server in
            let key = try await server.key()
            let long = Self.file([Self.message { $0["text"] = "\"\(String(repeating: "x", count: 2_000))\"" }]
            )
            #expect(try await server.client.send(.post, "/api/v1/import", key: key, json: long).status == 413)
            let chunked = try await server.client.sendChunked(
                "/api/v1/import", key: key, chunks: long.utf8.map { [$0] })
            #expect(chunked.status == 413)
            let plain = try await server.client.send(
                .post, "/api/v1/import", key: key, headers: [("Content-Type", "text/plain")], body: [0x7B])
            #expect(plain.status == 415)
            let stranger = SessionKey().secretText
            #expect(
                try await server.client.send(.post, "/api/v1/import", key: stranger, json: "{}").status == 401
            )
        }
    }
}
