import ChatCore
import ChatTesting
import Testing

@testable import ChatServer

@Suite("Alternatives over HTTP", .timeLimit(.minutes(5)))
struct AlternativeRouteTests {
    private static func schema(_ template: String, _ method: String, _ status: String) throws -> JSONValue {
        let operation = try OpenAPITests.document()["paths"]?[template]?[method]
        let media = status == "409" ? "application/problem+json" : "application/json"
        return try #require(operation?["responses"]?[status]?["content"]?[media]?["schema"])
    }

    private static func expectDocumented(
        _ answer: LoopbackClient.Answer, _ template: String, _ method: String
    ) throws {
        let fault = JSONSchema(document: try OpenAPITests.document()).fault(
            in: try answer.json, try schema(template, method, String(answer.status)), at: "")
        #expect(fault == nil, "\(template) \(answer.status): \(fault ?? "")")
    }

    @Test("retry, edit and stepping through versions reach every window, and repetitions change nothing")
    func everything() async throws {
        let model = ScriptedModel([.text("one")], [.text("two")], [.text("three")])
        try await TestServer.run(model: model) { server in
            let (key, path) = try await server.conversation()
            try await server.say("Hi", in: path, key: key)
            let first = try #require(
                try await server.answer(in: path, key: key, untilState: "complete").text("id"))
            try await server.client.follow(path + "/events?render=html", key: key) { source in
                var page = EventPage()
                try await EventPage.read(&source, into: &page) { $0.log == ["Hi", "one"] }

                for repeated in [false, true] {
                    let again = try await server.client.send(
                        .post, "\(path)/messages/\(first)/retry", key: key, json: #"{"id":"second"}"#)
                    #expect(again.status == 202)
                    try Self.expectDocumented(again, OpenAPITests.retry, "post")
                    #expect(try again.json.at("repeated") == .bool(repeated))
                    #expect(try again.json.text("answer.id") == "second")
                    #expect(try again.json.at("answer.alternatives")?.count == 2)
                }
                try await EventPage.read(&source, into: &page) {
                    $0.log == ["Hi", "two"] && $0.isWhole
                }

                let edit = #"{"id":"m2","text":"Hello","replaces":"m1"}"#
                for _ in 0..<2 {
                    let edited = try await server.client.send(.post, path + "/messages", key: key, json: edit)
                    #expect(edited.status == 202)
                    #expect(try edited.json.text("prompt.alternatives.0") == "m1")
                }
                try await EventPage.read(&source, into: &page) {
                    $0.log == ["Hello", "three"] && $0.isWhole
                }

                for _ in 0..<2 {
                    let shown = try await server.client.send(
                        .patch, path, key: key, json: #"{"shown":"\#(first)"}"#)
                    #expect(shown.status == 200)
                    #expect(try shown.json.at("messages") == .integer(5))
                }
                try await EventPage.read(&source, into: &page) { $0.log == ["Hi", "one"] }
                #expect(page.blocks[first] == ["<p>one</p>\n"])
            }
            let unknown = try await server.client.send(.patch, path, key: key, json: #"{"shown":"none"}"#)
            #expect(unknown.status == 404)
            let page = try await server.client.send(.get, path, key: key).json
            #expect(page.text("messages.0.id") == "m1" && page.at("messages")?.count == 2)
            #expect(model.prompts.count == 3)
            #expect(model.prompts.last?.messages.map(\.text) == ["Hello"])
        }
    }

    @Test("while an answer runs, a second window is told so, whatever it asks for")
    func running() async throws {
        let model = ScriptedModel([.text("one")], [.gate, .text("two")])
        try await TestServer.run(model: model) { server in
            let (key, path) = try await server.conversation()
            try await server.say("Hi", in: path, key: key)
            let first = try #require(
                try await server.answer(in: path, key: key, untilState: "complete").text("id"))
            let place = "\(path)/messages/\(first)/retry"
            #expect(
                try await server.client.send(.post, place, key: key, json: #"{"id":"b"}"#).status == 202)
            let requests: [(LoopbackClient.Method, String, String, String)] = [
                (.post, place, #"{"id":"c"}"#, OpenAPITests.retry),
                (
                    .post, path + "/messages", #"{"id":"d","text":"x"}"#,
                    OpenAPITests.conversation + "/messages"
                ),
                (
                    .post, path + "/messages", #"{"id":"e","text":"x","replaces":"m1"}"#,
                    OpenAPITests.conversation + "/messages"
                ),
                (.patch, path, #"{"shown":"\#(first)"}"#, OpenAPITests.conversation),
            ]
            for (method, place, json, template) in requests {
                let refused = try await server.client.send(method, place, key: key, json: json)
                #expect(refused.status == 409)
                #expect(try refused.json.text("code") == "answer_running")
                try Self.expectDocumented(refused, template, method.rawValue.lowercased())
            }
            model.open()
            _ = try await server.answer(in: path, key: key, untilState: "complete")
            #expect(model.prompts.count == 2)
        }
    }
}
