import CContract
import Hummingbird

/// The contract, as the server that keeps it was built with.
struct OpenAPIRoutes: Sendable {
    /// `Sources/CContract/openapi.json`.
    static let document: [UInt8] = {
        var count = 0
        let bytes = ccontract_openapi(&count)
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }()

    func add(to routes: RouteTable) {
        routes.on(.get, "/api/v1/openapi.json") { _, _ in
            Response(
                status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-cache"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: Self.document)))
        }
    }
}
