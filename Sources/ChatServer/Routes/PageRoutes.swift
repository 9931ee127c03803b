import CPage
import ChatCore
import HTTPTypes
import Hummingbird

/// The page and what it is made of, from the binary itself.
struct PageRoutes: Sendable {
    /// The page may load its own script and style and talk to its own server, and nothing else: text of a
    /// model that got through everything before would still find no way to run or to call out.
    private static let policy = [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'",
        "img-src 'self' data:", "base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'",
        "trusted-types stoa-markdown", "frame-ancestors 'none'",
    ].joined(separator: "; ")

    private let page: Asset
    private let assets: [String: Asset]

    /// Compresses everything once.
    /// - Throws: ``ChatError/Code/internal`` when the page is not in the binary.
    init() throws {
        var count = 0
        let first = cpage_assets(&count)
        let all = UnsafeBufferPointer(start: first, count: count).map(Asset.init)
        guard let page = all.first(where: { $0.name == "index.html" }) else {
            throw ChatError(.internal, "The page is missing from this binary.")
        }
        self.page = page
        assets = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
    }

    func add(to routes: RouteTable) {
        for method in [HTTPRequest.Method.get, .head] {
            routes.on(method, "/") { request, _ in answer(page, to: request) }
            routes.on(method, "/assets/{name}") { request, context in
                guard let name = context.parameters.get("name"), let asset = assets[name],
                    name != page.name
                else { throw ChatError.notFound("file") }
                return answer(asset, to: request)
            }
        }
    }

    private func answer(_ asset: Asset, to request: Request) -> Response {
        let variant =
            asset.compressed.flatMap {
                ContentCoding.acceptsGzip(request.headers[values: .acceptEncoding]) ? $0 : nil
            }
            ?? asset.plain
        var headers: HTTPFields = [
            // Kept, but asked for again each time: a page and its scripts are of one version after a
            // deployment.
            .cacheControl: "no-cache", .eTag: variant.tag, .vary: "Accept-Encoding",
            .contentSecurityPolicy: Self.policy, .referrerPolicy: "no-referrer", .openerPolicy: "same-origin",
        ]
        let known = request.headers[values: .ifNoneMatch].joined(separator: ",")
        // RFC 9110, 13.1.2: compared weakly, so a `W/` that a proxy put in front does not matter.
        let tags = known.split(separator: ",").map { tag in
            let tag = tag.drop { $0 == " " }.prefix { $0 != " " }
            return tag.hasPrefix("W/") ? tag.dropFirst(2) : tag
        }
        if tags.contains("*") || tags.contains(variant.tag[...]) {
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = asset.mediaType
        if variant.isCompressed { headers[.contentEncoding] = "gzip" }
        let response = Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: variant.bytes))
        return request.method == .head ? response.createHeadResponse() : response
    }
}

/// A file of the page in the forms it is sent in.
private struct Asset: Sendable {
    /// One form of it.
    struct Variant: Sendable {
        let bytes: ByteBuffer
        /// Made of the content: it is the same on every task, whatever the files' times were where it was
        /// built.
        let tag: String
        let isCompressed: Bool
    }

    let name: String
    let mediaType: String
    let plain: Variant
    let compressed: Variant?

    init(_ asset: cpage_asset) {
        name = String(cString: asset.name)
        mediaType = String(cString: asset.media_type)
        let bytes = Array(UnsafeBufferPointer(start: asset.bytes, count: asset.count))
        let digest = Base64URL.encode(Array(SHA256.hash(bytes).prefix(12)))
        plain = Variant(bytes: ByteBuffer(bytes: bytes), tag: "\"\(digest)\"", isCompressed: false)
        compressed = ContentCoding.gzip(bytes).map {
            Variant(bytes: ByteBuffer(bytes: $0), tag: "\"\(digest)-gzip\"", isCompressed: true)
        }
    }
}
