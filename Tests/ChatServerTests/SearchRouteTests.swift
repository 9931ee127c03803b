import ChatCore
import ChatTesting
import Testing

@testable import ChatServer

@Suite("Searching over HTTP", .timeLimit(.minutes(5)))
struct SearchRouteTests {
    @Test("hits are told with their conversation, the title's without a message")
    func hits() async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            try await server.say("Bonjour, héllo?", in: path, key: key)
            _ = try await server.answer(in: path, key: key, untilState: "complete")
            let found = try await server.client.send(
                .get, "/api/v1/search?q=HELLO&limit=5", key: key)
            #expect(found.status == 200)
            let json = try found.json
            #expect(json.at("results")?.count == 1)
            #expect(json.at("next") == .null)
            #expect(json.text("results.0.conversation.id") == "talk")
            let hits = try #require(json.at("results.0.hits"))
            // The title is the prompt's first line.
            #expect(hits.at("0.message") == .null && hits.at("0.role") == .null)
            #expect(hits.text("1.role") == "assistant" && hits.text("2.role") == "user")
            #expect(hits.text("2.message") == "m1" && hits.at("2.position")?.whole == 1)
            #expect(hits.text("2.snippet.0.text") == "Bonjour, ")
            #expect(hits.text("2.snippet.1.text") == "héllo")
            #expect(hits.at("2.snippet.1.hit") == .bool(true))
            #expect(hits.text("2.snippet.2.text") == "?")
            let stranger = try await server.key()
            let none = try await server.client.send(.get, "/api/v1/search?q=hello", key: stranger).json
            #expect(none.at("results")?.count == 0)
            #expect(!server.logs.text.contains("HELLO"))
        }
    }

    @Test("a search goes on at `next`, and takes nothing else there")
    func pages() async throws {
        try await TestServer.run { server in
            let key = try await server.key()
            for number in 0..<5 {
                _ = try await server.client.send(
                    .post, "/api/v1/conversations", key: key,
                    json: #"{"id":"c\#(number)","title":"same"}"#)
            }
            var seen: [String] = []
            var next = ""
            repeat {
                let json = try await server.client.send(
                    .get, "/api/v1/search?q=same&limit=2\(next)", key: key
                ).json
                for index in 0..<(json.at("results")?.count ?? 0) {
                    seen.append(json.text("results.\(index).conversation.id") ?? "")
                }
                next = json.text("next").map { "&before=\($0)" } ?? ""
            } while !next.isEmpty
            #expect(Set(seen).count == 5 && seen.count == 5)
            for query in ["q=same&before=x", "q=same&limit=0", "q=same&q=other", "q=%20", ""] {
                let answer = try await server.client.send(.get, "/api/v1/search?\(query)", key: key)
                #expect(answer.status == 400, "\(query)")
            }
        }
    }
}
