/// The payload of an event of ConverseStream, read tolerantly: unknown members are ignored (among them `p`,
/// padding of a random length), and a member of an unexpected type counts as absent.
struct ConverseEvent: Decodable, Equatable {
    var text = ""
    var reasoning = ""
    var stopReason: String?
    var inputTokens: Int?
    var outputTokens: Int?

    init() {}

    private enum Key: String, CodingKey {
        case delta, stopReason, usage
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        if let delta = members.tolerant(Delta.self, .delta) {
            text = delta.text
            reasoning = delta.reasoning
        }
        stopReason = members.tolerant(String.self, .stopReason)
        if let usage = members.tolerant(Usage.self, .usage) {
            inputTokens = usage.inputTokens
            outputTokens = usage.outputTokens
        }
    }

    private struct Usage: Decodable {
        var inputTokens: Int?
        var outputTokens: Int?
    }

    private struct Delta: Decodable {
        var text: String
        var reasoning: String

        private enum Key: String, CodingKey {
            case text, reasoningContent
        }

        /// `signature` and `redactedContent` are for machines.
        private struct Reasoning: Decodable {
            var text: String?
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: Key.self)
            text = members.tolerant(String.self, .text) ?? ""
            reasoning = members.tolerant(Reasoning.self, .reasoningContent)?.text ?? ""
        }
    }
}
