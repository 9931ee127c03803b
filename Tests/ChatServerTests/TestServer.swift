import ChatCore
import ChatTesting
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import ChatServer

/// A server on a port of its own, over memory, with a model that says what the test wrote down.
struct TestServer: Sendable {
    let client: LoopbackClient
    let task: ChatTask
    let logs: LogCapture
    let group: ServiceGroup
    /// How long something is waited for: more than a busy machine needs, since only what is wrong takes it.
    private static let patience = Duration.seconds(30)

    /// Runs a server for the length of `body`.
    static func run(
        model: any LanguageModel = ScriptedModel([.text("Hello "), .text("world")]),
        store: any SessionStore = MemorySessionStore(),
        configuration: (inout ServerConfiguration) -> Void = { _ in },
        readiness: @escaping @Sendable () async throws -> Void = {},
        parts: [ReadinessPart] = [], metrics: [any MetricsSource] = [],
        report: @escaping @Sendable (TurnReport) -> Void = { _ in },
        _ body: @escaping @Sendable (TestServer) async throws -> Void
    ) async throws {
        let task = ChatTask(
            id: .make(host: "test"), host: "test-host", store: store,
            catalogue: try ModelCatalogue([model, ScriptedModel(id: "other", [.text("other")])]),
            liveness: NobodyElse(), report: report)
        var settings = ServerConfiguration(port: 0)
        configuration(&settings)
        let logs = LogCapture()
        let logger = Logger(label: "test") { _ in logs.handler }
        let (ports, listening) = AsyncStream<Int>.makeStream()
        let server = try buildServer(
            task: task,
            readiness: [
                ReadinessPart("volume") {
                    try await readiness()
                    return nil
                }
            ] + parts,
            metrics: metrics, configuration: settings, logger: logger,
            onListening: { listening.yield($0) })
        var quiet = Logger(label: "group")
        quiet.logLevel = .critical
        let group = ServiceGroup(configuration: .init(services: [server], logger: quiet))

        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { await task.run(drain: .milliseconds(100)) }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            let outcome: Result<Void, any Error>
            do {
                try await body(
                    TestServer(client: LoopbackClient(port: port), task: task, logs: logs, group: group))
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            task.leave()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try outcome.get()
        }
    }

    /// A new session's key.
    func key() async throws -> String {
        let answer = try await client.send(.post, "/api/v1/sessions")
        guard case .string(let key) = try answer.json["key"] else { throw LoopbackClient.Ended() }
        return key
    }

    /// A conversation of a new session.
    func conversation(id: String = "talk") async throws -> (key: String, path: String) {
        let key = try await key()
        let answer = try await client.send(
            .post, "/api/v1/conversations", key: key, json: #"{"id":"\#(id)"}"#)
        #expect(answer.status == 201)
        return (key, "/api/v1/conversations/\(id)")
    }

    /// Begins a turn.
    @discardableResult
    func say(_ text: String, id: String = "m1", in path: String, key: String) async throws
        -> LoopbackClient.Answer
    {
        let json = JSONValue.fields(["id": .string(id), "text": .string(text)]).bytes
        return try await client.send(
            .post, path + "/messages", key: key, headers: [("Content-Type", "application/json")], body: json)
    }

    /// The last message once it is in `state`.
    func answer(in path: String, key: String, untilState state: String) async throws -> JSONValue {
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            let page = try await client.send(.get, path + "?limit=1", key: key).json
            if let answer = page.at("messages.0"), answer.text("state") == state { return answer }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw LoopbackClient.Ended()
    }

    /// Waits until `condition` holds.
    func eventually(_ what: Comment, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            if try await condition() { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        Issue.record(what)
    }
}

/// There is one task only.
private struct NobodyElse: TaskLiveness {
    func isAlive(_ task: TaskID) -> Bool { false }
}

/// Keeps what was logged.
final class LogCapture: Sendable {
    struct Line: Sendable {
        let level: Logger.Level
        let text: String
    }

    private let kept = Mutex<[Line]>([])

    var lines: [Line] { kept.withLock { $0 } }
    /// Everything, as a log would show it.
    var text: String { lines.map(\.text).joined(separator: "\n") }
    var handler: any LogHandler { Handler(capture: self) }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            let fields = all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let line = Line(level: event.level, text: "\(event.message) \(fields.joined(separator: " "))")
            capture.kept.withLock { $0.append(line) }
        }
    }
}

extension JSONValue {
    /// The string at `path`, fields apart by dots.
    func text(_ path: String) -> String? {
        guard case .string(let text) = at(path) else { return nil }
        return text
    }

    func at(_ path: String) -> JSONValue? {
        path.split(separator: ".").reduce(self) { value, name in
            if case .array(let values)? = value, let index = Int(name) {
                return values.indices.contains(index) ? values[index] : nil
            }
            return value?[String(name)]
        }
    }

    var whole: Int64? {
        if case .integer(let value) = self { return value }
        return nil
    }

    var count: Int {
        if case .array(let values) = self { return values.count }
        return 0
    }
}
