import NIOCore
import NIOHTTP1
import NIOPosix

@testable import ChatServer

/// A small HTTP client for tests: one connection a request, closed by whoever is asked to.
struct LoopbackClient: Sendable {
    let port: Int

    enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// An answer, read to its end.
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
        var json: JSONValue { get throws { try JSONParser.value(of: body) } }
        subscript(header: String) -> String? { headers.first(name: header) }
    }

    typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    /// Asks, and reads the answer to its end.
    func send(
        _ method: Method, _ path: String, key: String? = nil, headers: [(String, String)] = [],
        body: [UInt8]? = nil
    ) async throws -> Answer {
        try await connect { inbound, outbound in
            var all = HTTPHeaders([("Host", "localhost"), ("Connection", "close")] + headers)
            if let key { all.add(name: "Authorization", value: "Bearer \(key)") }
            if let body { all.add(name: "Content-Length", value: String(body.count)) }
            try await outbound.write(
                .head(
                    HTTPRequestHead(
                        version: .http1_1, method: HTTPMethod(rawValue: method.rawValue), uri: path,
                        headers: all)))
            if let body { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
            try await outbound.write(.end(nil))
            return try await Self.answer(from: inbound)
        }
    }

    /// Sends JSON.
    func send(
        _ method: Method, _ path: String, key: String? = nil, json: String,
        headers: [(String, String)] = []
    ) async throws -> Answer {
        try await send(
            method, path, key: key, headers: [("Content-Type", "application/json")] + headers,
            body: Array(json.utf8))
    }

    /// Sends a body in chunks, without saying how long it will be.
    func sendChunked(_ path: String, key: String, chunks: [[UInt8]]) async throws -> Answer {
        try await connect { inbound, outbound in
            let headers: HTTPHeaders = [
                "Host": "localhost", "Connection": "close", "Content-Type": "application/json",
                "Transfer-Encoding": "chunked", "Authorization": "Bearer \(key)",
            ]
            try await outbound.write(
                .head(HTTPRequestHead(version: .http1_1, method: .POST, uri: path, headers: headers)))
            for chunk in chunks { try await outbound.write(.body(.byteBuffer(ByteBuffer(bytes: chunk)))) }
            try await outbound.write(.end(nil))
            return try await Self.answer(from: inbound)
        }
    }

    /// Follows an event stream; the connection is closed when `body` returns.
    func follow<Result: Sendable>(
        _ path: String, key: String, headers: [(String, String)] = [],
        _ body: @Sendable (inout EventSource) async throws -> Result
    ) async throws -> Result {
        try await connect { inbound, outbound in
            let all = HTTPHeaders([("Host", "localhost"), ("Authorization", "Bearer \(key)")] + headers)
            try await outbound.write(
                .head(HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: all)))
            try await outbound.write(.end(nil))
            var source = EventSource(parts: inbound.makeAsyncIterator())
            return try await body(&source)
        }
    }

    /// Sends bytes as they are and reads until the server closes.
    func sendRaw(_ text: String) async throws -> String {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var received = ""
            for try await part in inbound { received += String(buffer: part) }
            return received
        }
    }

    /// Opens a connection for as long as `body` runs.
    func connect<Result: Sendable>(
        receiveBytesMax: Int? = nil,
        _ body: (
            NIOAsyncChannelInboundStream<HTTPClientResponsePart>,
            NIOAsyncChannelOutboundWriter<HTTPClientRequestPart>
        ) async throws -> Result
    ) async throws -> Result {
        var bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        if let receiveBytesMax {
            bootstrap = bootstrap.channelOption(.socketOption(.so_rcvbuf), value: .init(receiveBytesMax))
        }
        let connection = try await bootstrap.connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                return try Connection(wrappingChannelSynchronously: channel)
            }
        }
        return try await connection.executeThenClose(body)
    }

    private static func answer(
        from inbound: NIOAsyncChannelInboundStream<HTTPClientResponsePart>
    ) async throws -> Answer {
        var head: HTTPResponseHead?
        var body: [UInt8] = []
        for try await part in inbound {
            switch part {
            case .head(let value): head = value
            case .body(let bytes): body += bytes.readableBytesView
            case .end:
                guard let head else { throw Ended() }
                return Answer(status: Int(head.status.code), headers: head.headers, body: body)
            }
        }
        throw Ended()
    }

    /// The connection ended where more was expected.
    struct Ended: Error {}
}

/// The receiving end of an event stream.
struct EventSource {
    struct Event: Sendable {
        let name: String
        let id: String
        let data: JSONValue
        let raw: String
    }

    private var parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator
    private var received: [UInt8] = []
    private(set) var head: HTTPResponseHead?
    /// Comments so far.
    private(set) var comments = 0
    private(set) var hasEnded = false

    init(parts: NIOAsyncChannelInboundStream<HTTPClientResponsePart>.AsyncIterator) { self.parts = parts }

    /// The next event, or nil at the end of the stream.
    mutating func next() async throws -> Event? {
        while let frame = try await frame() {
            if frame.hasPrefix(":") {
                comments += 1
                continue
            }
            var fields: [String: String] = [:]
            for line in frame.split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1)
                fields[String(parts[0])] = String(parts[1].dropFirst())
            }
            return Event(
                name: fields["event"] ?? "", id: fields["id"] ?? "",
                data: try JSONParser.value(of: Array((fields["data"] ?? "").utf8)), raw: frame)
        }
        return nil
    }

    /// Reads until a comment arrives.
    mutating func comment() async throws {
        while let frame = try await frame() {
            if frame.hasPrefix(":") {
                comments += 1
                return
            }
        }
        throw LoopbackClient.Ended()
    }

    /// The rest of the body as it is, for an answer that is no stream.
    mutating func rest() async throws -> String {
        while try await receive() {}
        return String(decoding: received, as: UTF8.self)
    }

    private mutating func frame() async throws -> String? {
        while true {
            if let end = received.indices.dropLast().first(where: {
                received[$0] == 10 && received[$0 + 1] == 10
            }) {
                let frame = String(decoding: received[..<end], as: UTF8.self)
                received.removeFirst(end + 2)
                return frame
            }
            guard try await receive() else { return nil }
        }
    }

    private mutating func receive() async throws -> Bool {
        guard !hasEnded, let part = try await parts.next() else {
            hasEnded = true
            return false
        }
        switch part {
        case .head(let value): head = value
        case .body(let bytes): received += bytes.readableBytesView
        case .end: hasEnded = true
        }
        return !hasEnded
    }
}
