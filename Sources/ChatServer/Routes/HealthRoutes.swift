import ChatCore
import HTTPTypes
import Hummingbird

/// What a load balancer asks.
struct HealthRoutes: Sendable {
    static let livenessPath = "/livez"
    static let readinessPath = "/readyz"

    let task: ChatTask
    /// Asked all at the same time.
    let parts: [(name: String, readiness: Readiness)]

    init(task: ChatTask, parts: [ReadinessPart], configuration: ServerConfiguration) {
        self.task = task
        self.parts = parts.map { part in
            let readiness = Readiness(
                timeout: .milliseconds(configuration.readinessTimeoutMilliseconds),
                cached: .milliseconds(configuration.readinessCacheMilliseconds), check: part.check)
            return (part.name, readiness)
        }
    }

    func add(to routes: RouteTable) {
        for method in [HTTPRequest.Method.get, .head] {
            routes.on(method, Self.livenessPath, use: live)
            routes.on(method, Self.readinessPath, use: ready)
        }
    }

    /// This process answers; of the volume it says nothing, because restarting a task mends no volume.
    private func live(_ request: Request, _ context: ChatRequestContext) -> Response {
        answer(.json(.fields(["status": .string("alive")])), to: request)
    }

    /// This task takes sessions: it is not leaving, and its parts work.
    private func ready(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        guard !task.hasLeft else {
            throw ChatError(.unavailable, "This task is leaving.", retryAfterMilliseconds: 1_000)
        }
        let found = await outcomes()
        let states = JSONValue.array(found.map(\.state.json))
        guard let failed = found.first(where: { $0.error != nil }), let error = failed.error else {
            return answer(.json(.fields(["status": .string("ready"), "parts": states])), to: request)
        }
        for part in found { if let error = part.error { ErrorMiddleware.log(error, context) } }
        var problem = Problem(of: error)
        problem.members = [JSONValue.Field(name: "parts", value: states)]
        return answer(problem.response, to: request)
    }

    /// How each part is, in their order.
    private func outcomes() async -> [(state: PartState, error: ChatError?)] {
        await withTaskGroup(of: (Int, PartState, ChatError?).self) { group in
            for (index, part) in parts.enumerated() {
                group.addTask {
                    let (state, error) = await Self.outcome(of: part.name, part.readiness)
                    return (index, state, error)
                }
            }
            var found: [(Int, PartState, ChatError?)] = []
            for await outcome in group { found.append(outcome) }
            return found.sorted { $0.0 < $1.0 }.map { ($0.1, $0.2) }
        }
    }

    private static func outcome(
        of name: String, _ readiness: Readiness
    ) async -> (state: PartState, error: ChatError?) {
        do {
            let detail = try await readiness.require()
            return (PartState(name: name, state: detail == nil ? .ready : .degraded, detail: detail), nil)
        } catch {
            return (PartState(name: name, state: .failed, detail: error.message), error)
        }
    }

    private func answer(_ response: Response, to request: Request) -> Response {
        request.method == .head ? response.createHeadResponse() : response
    }
}

extension HealthRoutes: MetricsSource {
    /// Asks the parts as `/readyz` does: a task that nobody probes is watched all the same.
    func collect(into page: inout MetricsPage) async {
        page.gauge(
            "part_ready",
            "1 while a part of the task works, 0.5 while it does for some, 0 while it does not.",
            await outcomes().map { outcome in
                let value =
                    switch outcome.state.state {
                    case .ready: 1.0
                    case .degraded: 0.5
                    case .failed: 0.0
                    }
                return .init(["part": outcome.state.name], value)
            })
    }
}
