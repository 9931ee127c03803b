import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads one streamed answer as a value: events in, deltas out, and at the end what became of it.
///
/// ```
/// answering --finish_reason--> finishing --[DONE] or end of body--> done
///     |  \--[DONE] or end of body--> cut off       (a server that drops an answer may still say [DONE])
///     |--error object--> failed                    (also from finishing)
///     \--answer past its bound--> full             (ends with the stop reason `length`)
/// ```
struct CompletionMachine {
    private enum State {
        case answering
        case finishing(String)
        case done
        case full
    }

    private let answerBytesMax: Int
    private var state = State.answering
    private var stopReason: String?
    private var usage: Message.Usage?
    private var textBytes = 0
    private var reasoningBytes = 0
    private var isEmpty = true

    /// - Parameter answerBytesMax: most bytes of text; of reasoning too, which is dropped past it.
    init(answerBytesMax: Int) {
        self.answerBytesMax = answerBytesMax
    }

    /// The server said all it will say; what follows is ignored.
    var isDone: Bool { if case .done = state { true } else { false } }
    /// The answer reached its bound; the connection is to be closed, since the server would go on.
    var isFull: Bool { if case .full = state { true } else { false } }

    /// Takes one event.
    /// - Returns: the pieces of the answer that it holds, none of them empty.
    /// - Throws: the server's own error, or `malformed`.
    mutating func receive(_ event: EventStreamParser.Event) throws(UpstreamFailure) -> [ModelDelta] {
        if isDone || isFull { return [] }
        isEmpty = false
        let data = event.data.trimmingPrefix { $0.isWhitespace }
        if data.hasPrefix("[DONE]") {
            if case .finishing(let reason) = state { stopReason = reason }
            state = .done
            return []
        }
        if data.isEmpty { return [] }
        guard let chunk = try? JSONDecoder().decode(ChatCompletionChunk.self, from: Data(data.utf8)) else {
            if event.name == "error" { throw .inStream(UpstreamErrorBody(message: event.data)) }
            throw .malformed("an event that is not a JSON object")
        }
        if let error = chunk.error { throw .inStream(error) }
        guard chunk.isRecognised else {
            if event.name == "error" { throw .inStream(UpstreamErrorBody()) }
            return []
        }
        return take(chunk)
    }

    /// The server says no more.
    /// - Throws: `cutOff` when it did not say why it ended, `refused` when all it did was to filter the
    ///   answer.
    func finish() throws(UpstreamFailure) -> ModelFinish {
        let reason: String?
        switch state {
        case .finishing(let word): reason = word
        case .done: reason = stopReason
        case .full: reason = "length"
        case .answering: reason = nil
        }
        guard let reason else { throw isEmpty ? .emptyStream : .cutOff }
        if reason == "content_filter", textBytes == 0 {
            throw UpstreamFailure(ModelError(.refused, detail: "finish reason content_filter"))
        }
        return ModelFinish(stopReason: reason, usage: usage)
    }

    private mutating func take(_ chunk: ChatCompletionChunk) -> [ModelDelta] {
        var deltas: [ModelDelta] = []
        let reasoning = chunk.reasoning.cut(toBytes: answerBytesMax - reasoningBytes)
        if !reasoning.isEmpty {
            reasoningBytes += reasoning.utf8.count
            deltas.append(.reasoning(reasoning))
        }
        let text = chunk.text.cut(toBytes: answerBytesMax - textBytes)
        if !text.isEmpty {
            textBytes += text.utf8.count
            deltas.append(.text(text))
        }
        if let input = chunk.inputTokens, let output = chunk.outputTokens {
            usage = Message.Usage(inputTokens: input, outputTokens: output)
        }
        if text.utf8.count < chunk.text.utf8.count {
            state = .full
        } else if let reason = chunk.finishReason, case .answering = state {
            state = .finishing(reason)
        }
        return deltas
    }
}

extension String {
    /// The longest beginning of at most `bytesMax` bytes that does not split a character.
    func cut(toBytes bytesMax: Int) -> String {
        guard utf8.count > bytesMax else { return self }
        var end = utf8.index(startIndex, offsetBy: max(0, bytesMax))
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
