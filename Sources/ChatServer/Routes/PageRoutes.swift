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

    /// Puts the scripts together and compresses everything, once.
    /// - Throws: ``ChatError/Code/internal`` when the page is not in the binary.
    init() throws {
        var count = 0
        let first = cpage_assets(&count)
        var files = UnsafeBufferPointer(start: first, count: count).map(PageFile.init)
        let sources = files.filter(\.isScript).map { ($0.name, String(decoding: $0.bytes, as: UTF8.self)) }
        let scripts = try PageScripts(Dictionary(uniqueKeysWithValues: sources), entry: "app.js")
        files = files.compactMap { file in
            guard file.isScript else { return file }
            return scripts.files[file.name].map { file.with(bytes: Array($0.utf8)) }
        }
        let all = files.map(Asset.init)
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

    init(_ file: PageFile) {
        name = file.name
        mediaType = file.mediaType
        let digest = Base64URL.encode(Array(SHA256.hash(file.bytes).prefix(12)))
        plain = Variant(bytes: ByteBuffer(bytes: file.bytes), tag: "\"\(digest)\"", isCompressed: false)
        compressed = ContentCoding.gzip(file.bytes).map {
            Variant(bytes: ByteBuffer(bytes: $0), tag: "\"\(digest)-gzip\"", isCompressed: true)
        }
    }
}

/// A file of the page as it is embedded.
private struct PageFile {
    let name: String
    let mediaType: String
    let bytes: [UInt8]

    var isScript: Bool { name.hasSuffix(".js") }

    init(_ asset: cpage_asset) {
        self.init(
            name: String(cString: asset.name), mediaType: String(cString: asset.media_type),
            bytes: Array(UnsafeBufferPointer(start: asset.bytes, count: asset.count)))
    }

    private init(name: String, mediaType: String, bytes: [UInt8]) {
        self.name = name
        self.mediaType = mediaType
        self.bytes = bytes
    }

    func with(bytes: [UInt8]) -> PageFile { PageFile(name: name, mediaType: mediaType, bytes: bytes) }
}
