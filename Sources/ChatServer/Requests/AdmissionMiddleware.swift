import ChatCore
import Hummingbird

/// Answers only so many requests at once; the others are told so at once, instead of waiting in a queue that
/// nobody sees. Probes are always let in: an overloaded task is not a dead one.
struct AdmissionMiddleware: RouterMiddleware {
    typealias Context = ChatRequestContext
    private let slots: Slots

    /// - Parameter requestsMax: how many are answered at once.
    init(requestsMax: Int) { slots = Slots(countMax: requestsMax) }

    func handle(
        _ request: Request, context: ChatRequestContext,
        next: (Request, ChatRequestContext) async throws -> Response
    ) async throws -> Response {
        if context.endpointPath == HealthRoutes.livenessPath
            || context.endpointPath == HealthRoutes.readinessPath
        {
            return try await next(request, context)
        }
        guard let slot = slots.take() else { throw ChatError.busy("This server") }
        defer { withExtendedLifetime(slot) {} }
        return try await next(request, context)
    }
}
