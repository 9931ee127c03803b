import ChatCore
import HTTPTypes
import Hummingbird

/// The page that Prometheus reads.
struct MetricsRoutes: Sendable {
    static let path = "/metrics"
    /// Pages made at once: each may wait as long as a readiness check.
    private static let pagesMax = 4

    let sources: [any MetricsSource]
    private let slots = Slots(countMax: pagesMax)

    init(_ sources: [any MetricsSource]) { self.sources = sources }

    func add(to routes: RouteTable) { routes.on(.get, Self.path, use: page) }

    private func page(_ request: Request, _ context: ChatRequestContext) async throws -> Response {
        guard let slot = slots.take() else { throw ChatError.busy("This server") }
        defer { withExtendedLifetime(slot) {} }
        let page = await MetricsPage.of(sources)
        return Response(
            status: .ok, headers: [.contentType: MetricsPage.contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: page.text)))
    }
}
