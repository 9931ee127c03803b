import NIOCore
import NIOPosix
import Synchronization

/// A loopback server that answers as a script says, to the byte: what real servers do wrong, it does on
/// purpose.
///
/// It writes raw bytes, so that a reply can be cut anywhere, and it notices when its client leaves.
final class ScriptedServer: Sendable {
    enum Step: Sendable {
        case write(String)
        case send([UInt8])
        /// Each byte by itself.
        case trickle(String)
        case pause(Duration)
        /// Waits until so many requests have come, on all connections.
        case awaitRequests(Int)
        /// Waits until the client has closed the connection, and notes when that was.
        case awaitDeparture
        case close
    }

    struct Request: Sendable {
        var line: String
        var headers: [String: String]
        var body: String
    }

    private struct State {
        var replies: [[Step]]
        var requests: [Request] = []
        var departures: [ContinuousClock.Instant] = []
        var connectionCount = 0
    }

    private let state: Mutex<State>
    private let channel: NIOAsyncChannel<any Channel, Never>

    /// Runs a server for as long as `body` runs. The first request gets the first reply and so on; the last
    /// repeats.
    static func run<T: Sendable>(
        _ replies: [Step]..., body: @Sendable (ScriptedServer) async throws -> T
    ) async throws -> T {
        let server = try await ScriptedServer(replies)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.accept() }
            defer { group.cancelAll() }
            return try await body(server)
        }
    }

    private init(_ replies: [[Step]]) async throws {
        state = Mutex(State(replies: replies))
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            // Read once somebody serves it. One that nobody does any more when the server ends is only
            // dropped; an async channel may not be.
            .childChannelOption(.autoRead, value: false)
            .bind(host: "127.0.0.1", port: 0) { child in child.eventLoop.makeSucceededFuture(child) }
    }

    var baseURL: String { rootURL + "/v1" }
    var rootURL: String { "http://127.0.0.1:\(channel.channel.localAddress?.port ?? 0)" }
    var requests: [Request] { state.withLock { $0.requests } }
    var connectionCount: Int { state.withLock { $0.connectionCount } }

    /// When the first client left, or nil if none did within `limit`.
    func departure(within limit: Duration) async throws -> ContinuousClock.Instant? {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            if let first = state.withLock({ $0.departures.first }) { return first }
            try await Task.sleep(for: .milliseconds(5))
        }
        return nil
    }

    private func accept() async {
        await withDiscardingTaskGroup { group in
            try? await channel.executeThenClose { connections in
                for try await connection in connections {
                    state.withLock { $0.connectionCount += 1 }
                    group.addTask { await self.serve(connection) }
                }
            }
            group.cancelAll()
        }
    }

    private func serve(_ child: any Channel) async {
        // Errors are the client's leaving in the middle of a write: nothing to report.
        try? await Self.asyncChannel(child).executeThenClose { inbound, outbound in
            var input = inbound.makeAsyncIterator()
            var received = ByteBuffer()
            while let request = try await Self.request(&received, from: &input) {
                let steps = state.withLock { state in
                    state.requests.append(request)
                    return state.replies.count > 1 ? state.replies.removeFirst() : state.replies[0]
                }
                for step in steps {
                    switch step {
                    case .write(let text): try await outbound.write(ByteBuffer(string: text))
                    case .send(let bytes): try await outbound.write(ByteBuffer(bytes: bytes))
                    case .trickle(let text):
                        for byte in text.utf8 { try await outbound.write(ByteBuffer(bytes: [byte])) }
                    case .pause(let duration): try await Task.sleep(for: duration)
                    case .awaitRequests(let count):
                        while requests.count < count { try await Task.sleep(for: .milliseconds(5)) }
                    case .awaitDeparture:
                        // A reset ends the input with an error, a close with nil: both are a departure.
                        while let _ = try? await input.next() {}
                        if !Task.isCancelled { state.withLock { $0.departures.append(.now) } }
                        return
                    case .close: return
                    }
                }
            }
        }
    }

    private static func asyncChannel(
        _ child: any Channel
    ) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
        try await child.eventLoop.submit {
            let channel = try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: child)
            try child.syncOptions?.setOption(.autoRead, value: true)
            return channel
        }.get()
    }

    private static func request(
        _ received: inout ByteBuffer, from input: inout NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    ) async throws -> Request? {
        while true {
            let text = String(buffer: received)
            if let end = text.firstRange(of: "\r\n\r\n") {
                let lines = text[..<end.lowerBound].split(separator: "\r\n")
                var headers: [String: String] = [:]
                for line in lines.dropFirst() {
                    let parts = line.split(separator: ":", maxSplits: 1)
                    headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
                }
                let length = headers["content-length"].flatMap { Int($0) } ?? 0
                let body = text[end.upperBound...]
                if body.utf8.count >= length {
                    received.clear()
                    return Request(line: String(lines[0]), headers: headers, body: String(body))
                }
            }
            guard var more = try await input.next() else { return nil }
            received.writeBuffer(&more)
        }
    }
}

/// Replies as servers write them.
enum Reply {
    static let streamHead =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
        + "transfer-encoding: chunked\r\n\r\n"
    static let end = "0\r\n\r\n"

    /// One piece of a chunked body.
    static func chunk(_ text: String) -> String { "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" }

    /// One event.
    static func event(_ data: String) -> String { chunk("data: \(data)\n\n") }

    static func delta(_ text: String) -> String {
        event(#"{"choices":[{"index":0,"delta":{"content":"\#(text)"},"finish_reason":null}]}"#)
    }

    static let stop = event(#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#)
    static let done = event("[DONE]")

    /// A whole, well-formed answer.
    static func answer(_ pieces: String...) -> [ScriptedServer.Step] {
        [.write(streamHead + pieces.map(delta).joined() + stop + done + end)]
    }

    static func status(_ status: String, _ body: String, headers: String...) -> [ScriptedServer.Step] {
        let lines = ["HTTP/1.1 \(status)", "content-length: \(body.utf8.count)"] + headers
        return [.write(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)]
    }
}
