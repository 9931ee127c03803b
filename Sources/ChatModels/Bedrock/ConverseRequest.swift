import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The body of `POST /model/{id}/converse-stream`. What was not set is not sent: newer models refuse
/// parameters that older ones want.
struct ConverseRequest: Encodable, Equatable {
    struct Text: Encodable, Equatable {
        var text: String
    }

    struct Message: Encodable, Equatable {
        var role: String
        var content: [Text]
    }

    struct Inference: Encodable, Equatable {
        var maxTokens: Int?
        var temperature: Double?
        var topP: Double?
        var stopSequences: [String]?
    }

    var messages: [Message]
    var system: [Text]?
    var inferenceConfig: Inference?

    init(prompt: ModelPrompt, settings: BedrockModel.Settings) {
        messages = Self.messages(of: prompt)
        if let text = prompt.system, !text.allSatisfy(\.isWhitespace) {
            if settings.takesSystemPrompt {
                system = [Text(text: text)]
            } else if !messages.isEmpty {
                // Models that know no system prompt refuse one; they are told in the first message.
                messages[0].content.insert(Text(text: text), at: 0)
            }
        }
        let inference = Inference(
            maxTokens: settings.outputTokensMax, temperature: settings.temperature, topP: settings.topP,
            stopSequences: settings.stop.isEmpty ? nil : settings.stop)
        if inference != Inference() { inferenceConfig = inference }
    }

    /// The same prompt always makes the same bytes: keys are sorted.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }

    /// What Bedrock accepts: user first, roles alternating, nothing blank. A prompt is repaired already; this
    /// holds for one that was not.
    private static func messages(of prompt: ModelPrompt) -> [Message] {
        var messages: [Message] = []
        for message in prompt.messages where !message.text.allSatisfy(\.isWhitespace) {
            let role = message.role.rawValue
            if messages.isEmpty, message.role != .user { continue }
            if let last = messages.last, last.role == role {
                messages[messages.count - 1].content.append(Text(text: message.text))
            } else {
                messages.append(Message(role: role, content: [Text(text: message.text)]))
            }
        }
        if let last = messages.last, last.role == ChatCore.Message.Role.assistant.rawValue {
            // An answer that is to go on may not end with white space (Claude refuses that).
            messages[messages.count - 1].content = last.content.map { text in
                let end = text.text.lastIndex { !$0.isWhitespace }
                return Text(text: end.map { String(text.text[...$0]) } ?? text.text)
            }
        }
        return messages
    }
}
