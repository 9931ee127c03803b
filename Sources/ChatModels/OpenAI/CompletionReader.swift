import AsyncHTTPClient
import ChatCore
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Turns the body of a 200 into deltas: an event stream, or one JSON object from a server that does not
/// stream.
struct CompletionReader: AnswerReader {
    /// For `[DONE]` to be followed by the end of the body; only then can its connection be used again.
    private static let drainMilliseconds = 250

    private enum Form { case events, json, other }

    private(set) var machine: CompletionMachine
    private var failure: UpstreamFailure?
    private let form: Form
    private let wholeBytesMax: Int
    private var parser = EventStreamParser()
    private var whole: [UInt8] = []

    init(contentType: String?, settings: OpenAIModel.Settings) {
        machine = CompletionMachine(answerBytesMax: settings.answerBytesMax)
        // A JSON string may take six bytes for one.
        wholeBytesMax = 6 * settings.answerBytesMax + 65_536
        switch contentType?.prefix(while: { $0 != ";" }).lowercased() {
        case "application/json": form = .json
        case "text/html", "application/xhtml+xml": form = .other
        default: form = .events
        }
    }

    var isOver: Bool { machine.isFull || failure != nil }
    var drainMilliseconds: Int? { machine.isDone ? Self.drainMilliseconds : nil }

    mutating func take(_ chunk: ByteBuffer?) -> [ModelDelta] {
        switch form {
        case .other:
            failure = .malformed("a web page instead of an answer; check the base URL")
            return []
        case .events: return takeEvents(chunk)
        case .json:
            guard let chunk else { return read([.init(data: String(decoding: whole, as: UTF8.self))]) }
            if whole.count + chunk.readableBytes <= wholeBytesMax {
                whole.append(contentsOf: chunk.readableBytesView)
            } else {
                failure = .malformed("an answer of more than \(wholeBytesMax) bytes")
            }
            return []
        }
    }

    func finish() throws(UpstreamFailure) -> ModelFinish {
        if let failure { throw failure }
        return try machine.finish()
    }

    private mutating func takeEvents(_ chunk: ByteBuffer?) -> [ModelDelta] {
        guard let chunk else {
            let deltas = read(parser.finish().map { [$0] } ?? [])
            // A half-sent last event is no defect of the server's: the answer was cut off in the middle of
            // it.
            if failure?.error.kind == .malformed { failure = nil }
            return deltas
        }
        let deltas = read(parser.push(chunk.readableBytesView))
        if let bound = parser.failure, failure == nil {
            failure = .malformed("an event stream past its bounds: \(bound)")
        }
        return deltas
    }

    private mutating func read(_ events: [EventStreamParser.Event]) -> [ModelDelta] {
        var deltas: [ModelDelta] = []
        for event in events where failure == nil {
            do {
                deltas += try machine.receive(event)
            } catch let error {
                failure = error
            }
        }
        return deltas
    }
}

/// Reads what comes with a status other than 200, as far as it is worth reading.
enum ErrorBodyReader {
    private static let bytesMax = 16_384

    static func read(_ body: HTTPClientResponse.Body) async -> UpstreamErrorBody {
        let bytes = await bytes(of: body)
        return (try? JSONDecoder().decode(UpstreamErrorBody.self, from: Data(bytes)))
            ?? UpstreamErrorBody(message: String(decoding: bytes.prefix(2_000), as: UTF8.self))
    }

    static func bytes(of body: HTTPClientResponse.Body) async -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            for try await chunk in body {
                bytes.append(contentsOf: chunk.readableBytesView.prefix(bytesMax - bytes.count))
                if bytes.count >= bytesMax { break }
            }
        } catch {
            // The status alone decides then.
        }
        return bytes
    }
}
