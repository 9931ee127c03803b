import Hummingbird
import NIOCore

/// The sending end of an event stream: one write at a time, each with a deadline.
final class EventOutput {
    private var writer: any ResponseBodyWriter
    private let channel: any Channel
    private let deadlines: ConnectionDeadlines

    init(writer: any ResponseBodyWriter, channel: any Channel, deadlines: ConnectionDeadlines) {
        self.writer = writer
        self.channel = channel
        self.deadlines = deadlines
    }

    /// Sends, and returns when the connection has room for more: that is the whole back pressure, because
    /// nothing is made for a reader before it asks.
    func write(_ bytes: ByteBuffer) async throws {
        try await deadlines.limit(channel) { try await writer.write(bytes) }
    }

    /// Sends several frames as one write.
    func write(_ events: [ServerSentEvent]) async throws {
        var bytes = ByteBuffer()
        for event in events {
            var frame = event.bytes
            bytes.writeBuffer(&frame)
        }
        if bytes.readableBytes > 0 { try await write(bytes) }
    }
}
