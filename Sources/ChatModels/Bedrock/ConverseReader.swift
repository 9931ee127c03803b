import ChatCore
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads one streamed answer of Bedrock as a value: bytes in, deltas out, and at the end what became of it.
///
/// ```
/// answering --messageStop--> complete --metadata--> counted
///     |  \--end of body--> cut off
///     |--exception or error frame--> failed     (also from complete)
///     \--answer past its bound--> full          (ends with the stop reason `length`)
/// ```
struct ConverseReader: AnswerReader {
    private enum State { case answering, complete, counted, full }

    /// A frame holds one piece of an answer; in bytes.
    private static let payloadBytesMax = 1 << 20
    /// The token counts follow the answer at once, or never; in milliseconds.
    private static let metadataMilliseconds = 2_000
    /// The end of the body follows the counts; in milliseconds.
    private static let endMilliseconds = 250

    private let answerBytesMax: Int
    private let isEventStream: Bool
    private var decoder = EventStreamDecoder(payloadBytesMax: Self.payloadBytesMax)
    private var state = State.answering
    private var failure: UpstreamFailure?
    private var stopReason: String?
    private var usage: Message.Usage?
    private var textBytes = 0
    private var reasoningBytes = 0

    /// - Parameter answerBytesMax: most bytes of text; of reasoning too, which is dropped past it.
    init(contentType: String?, answerBytesMax: Int) {
        self.answerBytesMax = answerBytesMax
        let type = contentType?.prefix { $0 != ";" }.lowercased()
        isEventStream = type == nil || type == "application/vnd.amazon.eventstream"
    }

    var isOver: Bool { state == .full || failure != nil }

    var drainMilliseconds: Int? {
        switch state {
        case .complete: Self.metadataMilliseconds
        case .counted: Self.endMilliseconds
        case .answering, .full: nil
        }
    }

    mutating func take(_ chunk: ByteBuffer?) -> [ModelDelta] {
        guard isEventStream else {
            failure = .malformed("a 200 that is no event stream; check the base URL")
            return []
        }
        guard let chunk else { return [] }
        var deltas: [ModelDelta] = []
        for message in decoder.push(chunk.readableBytesView) where !isOver { deltas += read(message) }
        if let problem = decoder.failure, failure == nil { failure = .malformed("\(problem)") }
        return deltas
    }

    func finish() throws(UpstreamFailure) -> ModelFinish {
        if let failure { throw failure }
        switch state {
        case .answering:
            throw UpstreamFailure(
                ModelError(
                    .cutOff,
                    detail: decoder.isInsideFrame
                        ? "the stream ended inside a frame" : "the stream ended without a stop reason"),
                isTransient: true)
        case .full: return ModelFinish(stopReason: "length", usage: usage)
        case .complete, .counted:
            if ["guardrail_intervened", "content_filtered"].contains(stopReason), textBytes == 0 {
                throw UpstreamFailure(ModelError(.refused, detail: "stop reason \(stopReason ?? "")"))
            }
            return ModelFinish(stopReason: stopReason, usage: usage)
        }
    }

    private mutating func read(_ message: EventStreamMessage) -> [ModelDelta] {
        switch message.text(":message-type") {
        case "exception":
            failure = BedrockFailure.inStream(
                message.text(":exception-type") ?? "", body: BedrockErrorBody(message.payload))
            return []
        case "error":
            failure = BedrockFailure.inStream(
                message.text(":error-code") ?? "",
                body: BedrockErrorBody(message: message.text(":error-message")))
            return []
        case "event": break
        default: return []
        }
        let type = message.text(":event-type")
        guard ["contentBlockDelta", "messageStop", "metadata"].contains(type) else { return [] }
        guard let event = try? JSONDecoder().decode(ConverseEvent.self, from: Data(message.payload)) else {
            failure = .malformed("an event that is not a JSON object")
            return []
        }
        switch type {
        case "contentBlockDelta": return state == .answering ? take(event) : []
        case "messageStop":
            stopReason = event.stopReason ?? "end_turn"
            state = .complete
        default:
            if let input = event.inputTokens, let output = event.outputTokens {
                usage = Message.Usage(inputTokens: input, outputTokens: output)
            }
            if state == .complete { state = .counted }
        }
        return []
    }

    private mutating func take(_ event: ConverseEvent) -> [ModelDelta] {
        var deltas: [ModelDelta] = []
        let reasoning = event.reasoning.cut(toBytes: answerBytesMax - reasoningBytes)
        if !reasoning.isEmpty {
            reasoningBytes += reasoning.utf8.count
            deltas.append(.reasoning(reasoning))
        }
        let text = event.text.cut(toBytes: answerBytesMax - textBytes)
        if !text.isEmpty {
            textBytes += text.utf8.count
            deltas.append(.text(text))
        }
        if text.utf8.count < event.text.utf8.count { state = .full }
        return deltas
    }
}
