import ChatCore
import HTTPTypes
import Hummingbird
import NIOCore

/// A body that is read as it comes, within its bounds: each wait for more has a deadline, and all of them
/// together.
struct LongBody: JSONSource {
    private var parts: RequestBody.AsyncIterator
    private let bytesMax: Int
    private let announced: Int?
    private let deadlines: ConnectionDeadlines
    private let channel: any Channel
    private let deadline: ContinuousClock.Instant
    private let secondsMax: Int
    private var bytes = 0

    /// - Throws: ``ChatError/Code/tooLarge`` by the announced length, before anything is read.
    init(
        of request: Request, _ context: ChatRequestContext, bytesMax: Int, secondsMax: Int,
        deadlines: ConnectionDeadlines
    ) throws {
        parts = request.body.makeAsyncIterator()
        self.bytesMax = bytesMax
        self.secondsMax = secondsMax
        deadline = .now + .seconds(secondsMax)
        self.deadlines = deadlines
        channel = context.channel
        announced = request.headers[.contentLength].flatMap { Int($0) }
        if let announced, announced > bytesMax { throw tooLarge }
    }

    private var tooLarge: ChatError { ChatError(.tooLarge, "The body is longer than \(bytesMax) bytes.") }

    mutating func next() async throws -> ByteBuffer? {
        // Taken out and put back, because the wait must not hold all of this value.
        var parts = parts
        let part = try await deadlines.limit(channel) { try await parts.next() }
        self.parts = parts
        guard let part else {
            // A connection that ends early ends the body without a word.
            if let announced, announced != bytes { throw ChatError(.invalid, "The body ended early.") }
            return nil
        }
        guard ContinuousClock.now < deadline else {
            throw ChatError(.invalid, "The body took longer than \(secondsMax) seconds.")
        }
        bytes += part.readableBytes
        guard bytes <= bytesMax else { throw tooLarge }
        return part
    }
}
