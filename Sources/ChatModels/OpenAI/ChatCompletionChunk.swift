/// One `data:` object of a streamed answer, read as tolerantly as compatible servers demand: unknown members
/// are ignored, a member of an unexpected type counts as absent, only the first choice matters.
struct ChatCompletionChunk: Decodable, Equatable {
    var text = ""
    var reasoning = ""
    var finishReason: String?
    var inputTokens: Int?
    var outputTokens: Int?
    /// The server's error object. The stream is over.
    var error: UpstreamErrorBody?
    /// False for an object that has neither choices nor usage nor an error: not this protocol at all.
    var isRecognised = false

    private enum Key: String, CodingKey {
        case choices, usage, error, object
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        isRecognised = [.choices, .usage, .error].contains { members.contains($0) }
        if members.contains(.error), (try? members.decodeNil(forKey: .error)) != true {
            error = members.tolerant(UpstreamErrorBody.self, .error) ?? UpstreamErrorBody()
        }
        if let usage = members.tolerant(Usage.self, .usage) {
            inputTokens = usage.prompt_tokens
            outputTokens = usage.completion_tokens
        }
        let choices = members.tolerant([Choice].self, .choices) ?? []
        guard let choice = choices.first(where: { ($0.index ?? 0) == 0 }) else { return }
        finishReason = choice.finishReason
        // A server that ignores `stream` answers with one whole `message`.
        guard let piece = choice.delta ?? choice.message else { return }
        text = piece.text
        reasoning = piece.reasoning
    }

    private struct Usage: Decodable {
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var prompt_tokens: Int?
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var completion_tokens: Int?
    }

    private struct Choice: Decodable {
        var index: Int?
        var finishReason: String?
        var delta: Piece?
        var message: Piece?

        private enum Key: String, CodingKey {
            case index, delta, message
            case finishReason = "finish_reason"
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Key.self)
            index = members.tolerant(Int.self, .index)
            finishReason = members.tolerant(String.self, .finishReason).flatMap { $0.isEmpty ? nil : $0 }
            delta = members.tolerant(Piece.self, .delta)
            message = members.tolerant(Piece.self, .message)
        }
    }

    /// A `delta` or a `message`. A refusal is the answer's text for whoever reads it.
    private struct Piece: Decodable {
        var text: String
        var reasoning: String

        private enum Key: String, CodingKey {
            case content, refusal, reasoning
            case reasoningContent = "reasoning_content"
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Key.self)
            text = members.tolerant(TextOrParts.self, .content)?.text ?? ""
            text += members.tolerant(String.self, .refusal) ?? ""
            // DeepSeek and older vLLM use the one, newer vLLM and OpenRouter the other; some send both,
            // equal.
            reasoning =
                members.tolerant(String.self, .reasoningContent) ?? members.tolerant(String.self, .reasoning)
                ?? ""
        }
    }

    private struct TextOrParts: Decodable {
        var text: String

        private struct Part: Decodable {
            var type: String?
            var text: String?
        }

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let whole = try? value.decode(String.self) {
                text = whole
            } else {
                let parts = try value.decode([Part].self)
                text = parts.filter { ($0.type ?? "text") == "text" }.compactMap(\.text).joined()
            }
        }
    }
}

extension KeyedDecodingContainer {
    /// The member, or nil when it is absent, null or of another type.
    func tolerant<T: Decodable>(_ type: T.Type, _ key: Key) -> T? {
        (try? decodeIfPresent(type, forKey: key)) ?? nil
    }
}
