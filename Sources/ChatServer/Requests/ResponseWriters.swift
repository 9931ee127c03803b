import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// Counts what is written.
struct CountingWriter: ResponseBodyWriter {
    var writer: any ResponseBodyWriter
    let bytes: ByteCount

    mutating func write(_ buffer: ByteBuffer) async throws {
        bytes.add(buffer.readableBytes)
        try await writer.write(buffer)
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await writer.finish(trailingHeaders)
    }
}

/// A count that outlives the writer that makes it.
final class ByteCount: Sendable {
    private let total = Mutex(0)

    /// Bytes so far.
    var value: Int { total.withLock { $0 } }

    func add(_ bytes: Int) { total.withLock { $0 += bytes } }
}

/// Writes in pieces, each with a deadline of its own.
struct PiecewiseWriter: ResponseBodyWriter {
    var writer: any ResponseBodyWriter
    let channel: any Channel
    let deadlines: ConnectionDeadlines
    let pieceBytesMax: Int

    mutating func write(_ buffer: ByteBuffer) async throws {
        var buffer = buffer
        while buffer.readableBytes > 0,
            let piece = buffer.readSlice(length: min(buffer.readableBytes, pieceBytesMax))
        {
            try await deadlines.limit(channel) { try await writer.write(piece) }
        }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
        try await writer.finish(trailingHeaders)
    }
}
