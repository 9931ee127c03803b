import ChatCore
import Hummingbird

/// The models on offer; no secret, so no key is asked for.
struct ModelRoutes: Sendable {
    let catalogue: ModelCatalogue

    func add(to routes: RouteTable) { routes.on(.get, "/api/v1/models", use: list) }

    private func list(_ request: Request, _ context: ChatRequestContext) -> Response {
        .json(
            .fields([
                "default": .string(catalogue.defaultID),
                "models": .array(catalogue.models.map(\.descriptor.json)),
            ]))
    }
}
