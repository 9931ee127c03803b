import ChatCore
import ChatTesting
import Testing

@testable import ChatServer

@Suite("Answers that go on, over HTTP", .timeLimit(.minutes(5)))
struct ContinuationRouteTests {
    @Test("an answer that was cut off goes on in front of its reader, once for two requests")
    func goesOn() async throws {
        let model = ScriptedModel(
            [.text("Half"), .fail(ModelError(.cutOff))], [.gate, .text(" way"), .gate, .text(" there")])
        try await TestServer.run(model: model) { server in
            let (key, path) = try await server.conversation()
            try await server.say("Hi", in: path, key: key)
            let answer = try await server.answer(in: path, key: key, untilState: "failed")
            let id = try #require(answer.text("id"))
            let place = "\(path)/messages/\(id)/continue"
            let json = #"{"version":\#(try #require(answer.at("version")?.whole))}"#

            try await server.client.follow(path + "/events?render=html", key: key) { source in
                var page = EventPage()
                try await EventPage.read(&source, into: &page) { $0.states[id] == "failed" }
                for repeated in [false, true] {
                    let on = try await server.client.send(.post, place, key: key, json: json)
                    #expect(on.status == 202)
                    let fault = JSONSchema(document: try OpenAPITests.document()).fault(
                        in: try on.json, try Self.turnSchema(), at: "")
                    #expect(fault == nil)
                    #expect(try on.json.at("repeated") == .bool(repeated))
                    #expect(try on.json.text("answer.id") == id)
                    #expect(try on.json.text("answer.state") == "running")
                    #expect(try on.json.text("cursor") == "5.4")
                }
                try await EventPage.read(&source, into: &page) { $0.states[id] == "running" }
                #expect(page.texts[id] == "Half")
                model.open()
                try await EventPage.read(&source, into: &page) { $0.texts[id] == "Half way" }
                model.open()
                try await EventPage.read(&source, into: &page) { $0.states[id] == "complete" }
                #expect(page.texts[id] == "Half way there")
                #expect(page.blocks[id] == ["<p>Half way there</p>\n"])
            }
            let whole = try await server.client.send(.post, place, key: key, json: #"{"version":6}"#)
            #expect(whole.status == 409)
            #expect(try whole.json.text("code") == "conflict")
        }
    }

    private static func turnSchema() throws -> JSONValue {
        let content = try OpenAPITests.document()["paths"]?[OpenAPITests.goOn]?["post"]?["responses"]?[
            "202"]?[
                "content"]
        return try #require(content?["application/json"]?["schema"])
    }

    @Test("a version that is no number is refused in words")
    func malformed() async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            for json in [#"{"version":"4"}"#, #"{"version":-1}"#, #"{"version":1.5}"#, #"{"version":null}"#] {
                let answer = try await server.client.send(
                    .post, path + "/messages/m/continue", key: key, json: json)
                #expect(answer.status == 400)
                #expect(try answer.json.text("detail")?.contains("`version`") == true)
            }
            let id = try await server.client.send(
                .post, path + "/messages/a.b/continue", key: key, json: #"{"version":1}"#)
            #expect(id.status == 404)
        }
    }
}
