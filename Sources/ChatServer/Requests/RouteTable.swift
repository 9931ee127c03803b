import HTTPTypes
import Hummingbird
import Synchronization

/// The router, and a list of what it routes.
final class RouteTable {
    /// What the application answers with.
    let router = Router(context: ChatRequestContext.self)
    /// What is routed.
    let list = RouteList()

    /// Adds a route; `{name}` stands for a part of the path that varies.
    func on(
        _ method: HTTPRequest.Method, _ path: String,
        use handler: @escaping @Sendable (Request, ChatRequestContext) async throws -> Response
    ) {
        list.add(RouteList.Route(method: method, path: path))
        router.on(RouterPath(path), method: method, use: handler)
    }
}

/// What is routed: for the answer 405, and for the test that holds the OpenAPI document and the server
/// together.
final class RouteList: Sendable {
    /// One route.
    struct Route: Hashable, Sendable {
        let method: HTTPRequest.Method
        /// With `{name}` for a part that varies.
        let path: String
    }

    private let list = Mutex<[Route]>([])

    /// Everything that is routed.
    var routes: [Route] { list.withLock { $0 } }

    func add(_ route: Route) { list.withLock { $0.append(route) } }

    /// The methods that a path takes; empty when there is no such path.
    func methods(of path: String) -> [HTTPRequest.Method] {
        let parts = path.split(separator: "/")
        return routes.filter { route in
            let pattern = route.path.split(separator: "/")
            return pattern.count == parts.count
                && zip(pattern, parts).allSatisfy { $0 == $1 || $0.hasPrefix("{") }
        }.map(\.method)
    }
}
