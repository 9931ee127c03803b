import CZlib
import Testing

@testable import ChatServer

@Suite("The page", .timeLimit(.minutes(5)))
struct PageRouteTests {
    @Test("the page and every file it names are served, with the policy that keeps others out")
    func page() async throws {
        try await TestServer.run { server in
            let page = try await server.client.send(.get, "/")
            #expect(page.status == 200)
            #expect(page["Content-Type"] == "text/html; charset=utf-8")
            #expect(page["Cache-Control"] == "no-cache")
            #expect(page["X-Content-Type-Options"] == "nosniff")
            #expect(page["Referrer-Policy"] == "no-referrer")
            #expect(page["Cross-Origin-Opener-Policy"] == "same-origin")
            let policy = try #require(page["Content-Security-Policy"])
            #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
            #expect(policy.contains("require-trusted-types-for 'script'"))
            #expect(!policy.contains("unsafe"))
            let names = page.text.split(separator: "\"").filter { $0.hasPrefix("/assets/") }
            #expect(!names.isEmpty)
            for name in Set(names) {
                let asset = try await server.client.send(.get, String(name))
                #expect(asset.status == 200, "\(name)")
                #expect(asset["Content-Type"] != nil && asset["ETag"] != nil)
            }
            #expect(try await server.client.send(.get, "/assets/index.html").status == 404)
        }
    }

    @Test("what the client has is not sent again")
    func notModified() async throws {
        try await TestServer.run { server in
            let page = try await server.client.send(.get, "/")
            let tag = try #require(page["ETag"])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
            for known in [tag, "\"x\", \(tag)", "W/\(tag)", "*"] {
                let again = try await server.client.send(.get, "/", headers: [("If-None-Match", known)])
                #expect(again.status == 304 && again.body.isEmpty && again["ETag"] == tag, "\(known)")
            }
            #expect(
                try await server.client.send(.get, "/", headers: [("If-None-Match", "\"x\"")]).status == 200)
            let head = try await server.client.send(.head, "/")
            #expect(head.status == 200 && head.body.isEmpty)
            #expect(head["ETag"] == tag && head["Content-Length"] == String(page.body.count))
        }
    }

    @Test("gzip is sent to who accepts it, with a tag of its own, and unpacks to the same bytes")
    func compression() async throws {
        try await TestServer.run { server in
            let plain = try await server.client.send(.get, "/")
            let packed = try await server.client.send(
                .get, "/", headers: [("Accept-Encoding", "br;q=1, gzip;q=0.5")])
            #expect(packed["Content-Encoding"] == "gzip" && packed["Vary"] == "Accept-Encoding")
            #expect(packed["ETag"] != plain["ETag"])
            #expect(packed.body.count < plain.body.count)
            #expect(Self.unpack(packed.body) == plain.body)
        }
        #expect(ContentCoding.acceptsGzip(["deflate", "GZIP"]))
        #expect(ContentCoding.acceptsGzip(["*"]))
        #expect(!ContentCoding.acceptsGzip(["gzip;q=0, *"]))
        #expect(!ContentCoding.acceptsGzip(["identity"]))
        #expect(!ContentCoding.acceptsGzip([]))
    }

    static func unpack(_ bytes: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            return []
        }
        defer { inflateEnd(&stream) }
        var input = bytes
        return [UInt8](unsafeUninitializedCapacity: 1_000_000) { buffer, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = uInt(input.count)
                stream.next_out = buffer.baseAddress
                stream.avail_out = uInt(buffer.count)
                count = inflate(&stream, Z_FINISH) == Z_STREAM_END ? buffer.count - Int(stream.avail_out) : 0
            }
        }
    }
}
