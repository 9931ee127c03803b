import ChatCore
import Hummingbird

/// Answers only so many requests at once; the others are told so at once, instead of waiting in a queue that
/// nobody sees. Probes are always let in: an overloaded task is not a dead one.
struct AdmissionMiddleware: RouterMiddleware {
    typealias Context = ChatRequestContext
    /// Paths that are asked again and again whether all is well.
    static let probes = [
        HealthRoutes.livenessPath, HealthRoutes.readinessPath, MetricsRoutes.path,
    ]
    private let slots: Slots

    /// - Parameter slots: a place for each request that is answered at once.
    init(_ slots: Slots) { self.slots = slots }

    func handle(
        _ request: Request, context: ChatRequestContext,
        next: (Request, ChatRequestContext) async throws -> Response
    ) async throws -> Response {
        if let path = context.endpointPath, Self.probes.contains(path) {
            return try await next(request, context)
        }
        guard let slot = slots.take() else { throw ChatError.busy("This server") }
        defer { withExtendedLifetime(slot) {} }
        return try await next(request, context)
    }
}
