import ChatCore
import ChatTesting
import HTTPTypes
import Testing

@testable import ChatServer

/// Holds the document and the server together.
@Suite("The OpenAPI document", .timeLimit(.minutes(5)))
struct OpenAPITests {
    static func document() throws -> JSONValue { try JSONParser.value(of: OpenAPIRoutes.document) }

    static func names(_ value: JSONValue?) -> [String] {
        guard case .object(let fields)? = value else { return [] }
        return fields.map(\.name)
    }

    static func routes() throws -> [RouteList.Route] {
        let task = ChatTask(
            id: .make(host: "t"), host: "t", store: MemorySessionStore(),
            catalogue: try ModelCatalogue([ScriptedModel([])]), liveness: Alone())
        return try buildRoutes(
            task: task, readiness: [], configuration: ServerConfiguration(port: 0),
            deadlines: ConnectionDeadlines(timeout: .seconds(1))
        ).server.list.routes
    }

    private struct Alone: TaskLiveness { func isAlive(_ task: TaskID) -> Bool { true } }

    @Test("names every route of the server, and no other")
    func routes() throws {
        let methods: Set = ["get", "head", "post", "put", "patch", "delete"]
        let paths = try Self.document()["paths"]
        var documented: Set<String> = []
        for path in Self.names(paths) {
            for method in Self.names(paths?[path]) where methods.contains(method) {
                documented.insert("\(method.uppercased()) \(path)")
            }
        }
        #expect(documented == Set(try Self.routes().map { "\($0.method.rawValue) \($0.path)" }))
    }

    @Test("is served as it is kept")
    func served() async throws {
        try await TestServer.run { server in
            let answer = try await server.client.send(.get, "/api/v1/openapi.json")
            #expect(answer.status == 200 && answer.body == OpenAPIRoutes.document)
            #expect(try answer.json.text("openapi")?.hasPrefix("3.1") == true)
        }
    }

    /// One request for each status a route documents; what a test elsewhere proves is named there.
    struct Case: Sendable {
        let method: LoopbackClient.Method
        let template: String
        var path: String?
        var json: String?
        var headers: [(String, String)] = []
        var isKeyed = true
        let status: Int
    }

    static let conversation = "/api/v1/conversations/{id}"
    static let importing = "/api/v1/import"
    static let rotation = "/api/v1/session/rotate"
    static let goOn = conversation + "/messages/{message}/continue"
    static let retry = conversation + "/messages/{message}/retry"
    static let retryPath = "/api/v1/conversations/talk/messages/m9/retry"
    static let goOnPath = "/api/v1/conversations/talk/messages/none/continue"
    static let cases: [Case] = [
        Case(method: .get, template: "/", status: 200), Case(method: .head, template: "/", status: 200),
        Case(method: .get, template: "/", headers: [("If-None-Match", "*")], status: 304),
        Case(method: .head, template: "/", headers: [("If-None-Match", "*")], status: 304),
        Case(method: .get, template: "/assets/{name}", path: "/assets/app.js", status: 200),
        Case(
            method: .get, template: "/assets/{name}", path: "/assets/app.js",
            headers: [("If-None-Match", "*")], status: 304),
        Case(method: .get, template: "/assets/{name}", path: "/assets/x", status: 404),
        Case(method: .head, template: "/assets/{name}", path: "/assets/app.js", status: 200),
        Case(
            method: .head, template: "/assets/{name}", path: "/assets/app.js",
            headers: [("If-None-Match", "*")], status: 304),
        Case(method: .head, template: "/assets/{name}", path: "/assets/x", status: 404),
        Case(method: .get, template: "/livez", status: 200),
        Case(method: .head, template: "/livez", status: 200),
        Case(method: .get, template: "/readyz", status: 200),
        Case(method: .head, template: "/readyz", status: 200),
        Case(method: .get, template: "/metrics", status: 200),
        Case(method: .get, template: "/api/v1/openapi.json", status: 200),
        Case(method: .get, template: "/api/v1/models", status: 200),
        Case(method: .post, template: "/api/v1/sessions", status: 201),
        Case(method: .get, template: "/api/v1/session", status: 200),
        Case(method: .get, template: "/api/v1/session", isKeyed: false, status: 401),
        Case(method: .get, template: "/api/v1/session/events", isKeyed: false, status: 401),
        Case(method: .delete, template: "/api/v1/session", isKeyed: false, status: 401),
        Case(method: .get, template: "/api/v1/search", path: "/api/v1/search?q=%C3%A9", status: 200),
        Case(method: .get, template: "/api/v1/search", status: 400),
        Case(
            method: .get, template: "/api/v1/search", path: "/api/v1/search?q=x", isKeyed: false,
            status: 401),
        Case(
            method: .get, template: "/api/v1/search",
            path: "/api/v1/search?q=\(String(repeating: "x", count: 600))", status: 413),
        Case(method: .get, template: "/api/v1/export", status: 200),
        Case(
            method: .get, template: "/api/v1/export", path: "/api/v1/export?format=markdown", status: 200),
        Case(method: .get, template: "/api/v1/export", path: "/api/v1/export?format=xml", status: 400),
        Case(method: .get, template: "/api/v1/export", isKeyed: false, status: 401),
        Case(
            method: .post, template: importing,
            json: #"{"format":"stoa-export","version":1,"conversations":[]}"#, status: 200),
        Case(method: .post, template: importing, json: "{}", status: 400),
        Case(method: .post, template: importing, json: "{}", isKeyed: false, status: 401),
        Case(
            method: .post, template: importing, json: #"{"x":"\#(String(repeating: "x", count: 300_000))"}"#,
            status: 413),
        Case(method: .post, template: importing, status: 415),
        Case(method: .post, template: rotation, json: "{}", status: 400),
        Case(method: .post, template: rotation, json: "{}", isKeyed: false, status: 401),
        Case(
            method: .post, template: rotation, json: #"{"x":"\#(String(repeating: "x", count: 200_000))"}"#,
            status: 413),
        Case(method: .post, template: rotation, status: 415),
        Case(method: .get, template: conversation + "/export", status: 200),
        Case(
            method: .get, template: conversation + "/export",
            path: "/api/v1/conversations/talk/export?format=xml", status: 400),
        Case(method: .get, template: conversation + "/export", isKeyed: false, status: 401),
        Case(
            method: .get, template: conversation + "/export", path: "/api/v1/conversations/none/export",
            status: 404),
        Case(method: .get, template: "/api/v1/conversations", status: 200),
        Case(
            method: .get, template: "/api/v1/conversations", path: "/api/v1/conversations?limit=0",
            status: 400),
        Case(method: .get, template: "/api/v1/conversations", isKeyed: false, status: 401),
        Case(method: .post, template: "/api/v1/conversations", json: "{}", status: 201),
        Case(method: .post, template: "/api/v1/conversations", json: #"{"id":"talk"}"#, status: 200),
        Case(method: .post, template: "/api/v1/conversations", json: "[]", status: 400),
        Case(method: .post, template: "/api/v1/conversations", json: "{}", isKeyed: false, status: 401),
        Case(
            method: .post, template: "/api/v1/conversations",
            json: #"{"title":"\#(String(repeating: "x", count: 999))"}"#, status: 413),
        Case(method: .post, template: "/api/v1/conversations", status: 415),
        Case(
            method: .get, template: conversation, path: "/api/v1/conversations/talk?render=html",
            status: 200),
        Case(method: .get, template: conversation, path: "/api/v1/conversations/talk?render=x", status: 400),
        Case(method: .get, template: conversation, isKeyed: false, status: 401),
        Case(method: .get, template: conversation, path: "/api/v1/conversations/none", status: 404),
        Case(method: .patch, template: conversation, json: "{}", status: 200),
        Case(method: .patch, template: conversation, json: "1", status: 400),
        Case(method: .patch, template: conversation, json: "{}", isKeyed: false, status: 401),
        Case(
            method: .patch, template: conversation, path: "/api/v1/conversations/none", json: "{}",
            status: 404),
        Case(
            method: .patch, template: conversation,
            json: #"{"title":"\#(String(repeating: "x", count: 999))"}"#, status: 413),
        Case(method: .patch, template: conversation, status: 415),
        Case(method: .delete, template: conversation, isKeyed: false, status: 401),
        Case(method: .delete, template: conversation, path: "/api/v1/conversations/a.b", status: 404),
        Case(method: .post, template: conversation + "/messages", json: "{}", status: 400),
        Case(method: .post, template: conversation + "/messages", json: "{}", isKeyed: false, status: 401),
        Case(
            method: .post, template: conversation + "/messages", path: "/api/v1/conversations/none/messages",
            json: #"{"id":"m","text":"t"}"#, status: 404),
        Case(
            method: .post, template: conversation + "/messages", json: #"{"id":"m9","text":"t"}"#, status: 202
        ),
        Case(
            method: .post, template: conversation + "/messages", json: #"{"id":"m9","text":"u"}"#, status: 409
        ),
        Case(
            method: .post, template: conversation + "/messages",
            json: #"{"id":"m8","text":"\#(String(repeating: "x", count: 300_000))"}"#, status: 413),
        Case(method: .post, template: conversation + "/messages", status: 415),
        Case(method: .post, template: retry, path: retryPath, json: "{}", status: 400),
        Case(method: .post, template: retry, path: retryPath, json: "{}", isKeyed: false, status: 401),
        Case(
            method: .post, template: retry, path: "/api/v1/conversations/talk/messages/none/retry",
            json: #"{"id":"a"}"#, status: 404),
        Case(method: .post, template: retry, path: retryPath, json: #"{"id":"m9"}"#, status: 409),
        Case(
            method: .post, template: retry, path: retryPath,
            json: #"{"pad":"\#(String(repeating: "x", count: 200_000))"}"#, status: 413),
        Case(method: .post, template: retry, path: retryPath, status: 415),
        Case(method: .post, template: goOn, path: goOnPath, json: "{}", status: 400),
        Case(method: .post, template: goOn, path: goOnPath, json: "{}", isKeyed: false, status: 401),
        Case(method: .post, template: goOn, path: goOnPath, json: #"{"version":1}"#, status: 404),
        Case(
            method: .post, template: goOn, path: goOnPath,
            json: #"{"pad":"\#(String(repeating: "x", count: 200_000))"}"#, status: 413),
        Case(method: .post, template: goOn, path: goOnPath, status: 415),
        Case(method: .post, template: conversation + "/stop", status: 202),
        Case(
            method: .post, template: conversation + "/stop",
            path: "/api/v1/conversations/talk/stop?answer=a%20b", status: 400),
        Case(method: .post, template: conversation + "/stop", isKeyed: false, status: 401),
        Case(
            method: .post, template: conversation + "/stop", path: "/api/v1/conversations/none/stop",
            status: 404),
        Case(
            method: .get, template: conversation + "/events",
            path: "/api/v1/conversations/talk/events?render=x", status: 400),
        Case(method: .get, template: conversation + "/events", isKeyed: false, status: 401),
        Case(
            method: .get, template: conversation + "/events", path: "/api/v1/conversations/none/events",
            status: 404),
        Case(method: .post, template: conversation + "/reset", status: 200),
        Case(method: .post, template: conversation + "/reset", isKeyed: false, status: 401),
        Case(
            method: .post, template: conversation + "/reset", path: "/api/v1/conversations/none/reset",
            status: 404),
        Case(method: .delete, template: conversation, status: 204),
        Case(method: .delete, template: "/api/v1/session", status: 204),
    ]

    @Test("every documented status is seen, with the documented body, and no other is")
    func statuses() async throws {
        let document = try Self.document()
        try await TestServer.run { server in
            let (key, _) = try await server.conversation()
            var seen: Set<String> = []
            for item in Self.cases {
                let path = item.path ?? item.template.replacingID(with: "talk")
                let answer = try await server.client.send(
                    item.method, path, key: item.isKeyed ? key : nil,
                    headers: item.headers + (item.json == nil ? [] : [("Content-Type", "application/json")]),
                    body: item.json.map { Array($0.utf8) })
                let name = "\(item.method.rawValue) \(item.template) \(item.status)"
                #expect(answer.status == item.status, "\(name): \(answer.status) \(answer.text.prefix(200))")
                seen.insert(name)
                let operation = document["paths"]?[item.template]?[item.method.rawValue.lowercased()]
                let response = try #require(
                    operation?["responses"]?[String(item.status)], "\(name) is not documented")
                guard item.method != .head, let content = response["content"] else { continue }
                let media = answer["Content-Type"]?.split(separator: ";").first.map(String.init) ?? ""
                guard let schema = content[media]?["schema"] else {
                    #expect(content["*/*"] != nil, "\(name): \(media) is not documented")
                    continue
                }
                if media.hasSuffix("json") {
                    let fault = JSONSchema(document: document).fault(in: try answer.json, schema, at: "")
                    #expect(fault == nil, "\(name): \(fault ?? "")")
                }
            }
            // Proven elsewhere: 503 by RequestLogTests, EventStreamTests and HealthRouteTests, the stream's
            // 200 by EventStreamTests, `limit_reached` by the conformance suite of the stores.
            // A session's stream: SessionEventTests. A new key: RotationRouteTests.
            // An answer that goes on: ContinuationRouteTests; one more answer: AlternativeRouteTests.
            let elsewhere = [
                "GET \(Self.conversation)/events 200", "POST /api/v1/conversations 409",
                "POST \(Self.goOn) 202", "POST \(Self.goOn) 409", "POST \(Self.retry) 202",
                "POST \(Self.rotation) 200", "POST \(Self.rotation) 409", "POST \(Self.importing) 409",
                "PATCH \(Self.conversation) 409", "GET /api/v1/session/events 200",
            ]
            for path in Self.names(document["paths"]) {
                for method in Self.names(document["paths"]?[path]) where method != "parameters" {
                    for status in Self.names(document["paths"]?[path]?[method]?["responses"])
                    where status != "503" {
                        let name = "\(method.uppercased()) \(path) \(status)"
                        #expect(seen.contains(name) || elsewhere.contains(name), "\(name) is never seen")
                    }
                }
            }
        }
    }
}

extension String {
    func replacingID(with id: String) -> String {
        split(separator: "/", omittingEmptySubsequences: false).map { $0 == "{id}" ? id : String($0) }
            .joined(separator: "/")
    }
}
