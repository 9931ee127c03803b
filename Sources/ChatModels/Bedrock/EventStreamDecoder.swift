/// Cuts an `application/vnd.amazon.eventstream` into its frames, however its bytes arrive.
///
/// ```
/// total u32 | headers' length u32 | CRC of these 8 bytes | headers | payload | CRC of all before it
/// ```
///
/// A value without I/O. It holds at most one frame that is not complete, and believes no length before its
/// checksum was compared. After a failure it takes nothing more: a length that is wrong leaves no way to find
/// the next frame.
struct EventStreamDecoder {
    /// Why these bytes are no event stream, or none that we take.
    enum Failure: Error, Equatable {
        case preludeChecksum
        case messageChecksum
        /// Shorter than its own frame; in bytes.
        case tooShort(totalBytes: Int)
        case headersTooLong(bytes: Int)
        case payloadTooLong(bytes: Int)
        case malformedHeaders(String)
    }

    /// The format's own bounds, in bytes.
    static let headersBytesMax = 131_072
    static let payloadBytesMax = 25_165_824

    private static let preludeBytes = 12
    private static let checksumBytes = 4
    /// A frame without headers and payload.
    private static let emptyFrameBytes = preludeBytes + checksumBytes

    /// What ended the decoding, if anything did.
    private(set) var failure: Failure?

    private let payloadBytesMax: Int
    private var buffer: [UInt8] = []

    /// - Parameter payloadBytesMax: bound on one frame's payload, in bytes, below the format's own.
    init(payloadBytesMax: Int = Self.payloadBytesMax) {
        self.payloadBytesMax = min(payloadBytesMax, Self.payloadBytesMax)
    }

    /// Whether a frame has begun that is not complete: an end here is an end in the middle.
    var isInsideFrame: Bool { !buffer.isEmpty }

    /// Takes the next bytes.
    /// - Returns: the frames that they complete, those before a ``failure`` too.
    mutating func push(_ bytes: some Collection<UInt8>) -> [EventStreamMessage] {
        guard failure == nil else { return [] }
        buffer.append(contentsOf: bytes)
        var messages: [EventStreamMessage] = []
        var start = 0
        do throws(Failure) {
            while let end = try frameEnd(from: start) {
                messages.append(try message(in: buffer[start..<end]))
                start = end
            }
            buffer.removeFirst(start)
        } catch {
            failure = error
            buffer = []
        }
        return messages
    }

    /// Where the frame that begins at `start` ends; nil while bytes of it are missing.
    private func frameEnd(from start: Int) throws(Failure) -> Int? {
        guard buffer.count - start >= Self.preludeBytes else { return nil }
        guard CRC32.of(buffer[start..<start + 8]) == number(at: start + 8) else { throw .preludeChecksum }
        let totalBytes = Int(number(at: start)), headersBytes = Int(number(at: start + 4))
        guard headersBytes <= Self.headersBytesMax else { throw .headersTooLong(bytes: headersBytes) }
        let payloadBytes = totalBytes - headersBytes - Self.emptyFrameBytes
        guard payloadBytes >= 0 else { throw .tooShort(totalBytes: totalBytes) }
        guard payloadBytes <= payloadBytesMax else { throw .payloadTooLong(bytes: payloadBytes) }
        return buffer.count - start >= totalBytes ? start + totalBytes : nil
    }

    private func message(in frame: ArraySlice<UInt8>) throws(Failure) -> EventStreamMessage {
        let checksumStart = frame.endIndex - Self.checksumBytes
        guard CRC32.of(frame[..<checksumStart]) == number(at: checksumStart) else { throw .messageChecksum }
        let headersStart = frame.startIndex + Self.preludeBytes
        let headersEnd = headersStart + Int(number(at: frame.startIndex + 4))
        return EventStreamMessage(
            headers: try EventStreamMessage.headers(in: frame[headersStart..<headersEnd]),
            payload: Array(frame[headersEnd..<checksumStart]))
    }

    private func number(at index: Int) -> UInt32 {
        buffer[index..<index + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
}

extension EventStreamDecoder.Failure: CustomStringConvertible {
    /// For the log; holds nothing of the stream's content.
    var description: String {
        switch self {
        case .preludeChecksum: "a frame's beginning does not match its checksum"
        case .messageChecksum: "a frame does not match its checksum"
        case .tooShort(let bytes): "a frame of \(bytes) bytes is shorter than its parts"
        case .headersTooLong(let bytes): "a frame with \(bytes) bytes of headers"
        case .payloadTooLong(let bytes): "a frame with a payload of \(bytes) bytes"
        case .malformedHeaders(let problem): "a frame whose headers have \(problem)"
        }
    }
}
