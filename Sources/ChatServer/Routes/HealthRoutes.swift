import ChatCore
import HTTPTypes
import Hummingbird

/// What a load balancer asks.
struct HealthRoutes: Sendable {
    static let livenessPath = "/livez"
    static let readinessPath = "/readyz"

    let task: ChatTask
    let readiness: Readiness

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

    /// This task takes sessions: it is not leaving, and its volume can be written and read.
    private func ready(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        guard !task.hasLeft else {
            throw ChatError(.unavailable, "This task is leaving.", retryAfterMilliseconds: 1_000)
        }
        try await readiness.require()
        return answer(.json(.fields(["status": .string("ready")])), to: request)
    }

    private func answer(_ response: Response, to request: Request) -> Response {
        request.method == .head ? response.createHeadResponse() : response
    }
}
