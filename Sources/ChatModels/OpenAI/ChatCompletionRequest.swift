import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The body of `POST {base}/chat/completions`. What was not set is not sent, because compatible servers
/// refuse parameters they do not know.
struct ChatCompletionRequest: Encodable {
    struct Message: Encodable, Equatable {
        var role: String
        var content: String
    }

    struct StreamOptions: Encodable {
        var includeUsage = true

        enum CodingKeys: String, CodingKey {
            case includeUsage = "include_usage"
        }
    }

    var model: String
    var messages: [Message]
    var stream = true
    var streamOptions: StreamOptions?
    var maxTokens: Int?
    var maxCompletionTokens: Int?
    var temperature: Double?
    var topP: Double?
    var stop: [String]?

    enum CodingKeys: String, CodingKey {
        case model, messages, stream, temperature, stop
        case streamOptions = "stream_options"
        case maxTokens = "max_tokens"
        case maxCompletionTokens = "max_completion_tokens"
        case topP = "top_p"
    }

    init(prompt: ModelPrompt, settings: OpenAIModel.Settings) {
        model = settings.model
        messages = Self.messages(of: prompt, systemRole: settings.systemRole)
        streamOptions = settings.asksForUsage ? StreamOptions() : nil
        switch settings.outputLimitField {
        case .maxTokens: maxTokens = settings.outputTokensMax
        case .maxCompletionTokens: maxCompletionTokens = settings.outputTokensMax
        }
        temperature = settings.temperature
        topP = settings.topP
        stop = settings.stop.isEmpty ? nil : settings.stop
    }

    /// The same prompt always makes the same bytes: keys are sorted.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }

    private static func messages(of prompt: ModelPrompt, systemRole: OpenAIModel.SystemRole) -> [Message] {
        var messages = prompt.messages.map { Message(role: $0.role.rawValue, content: $0.text) }
        guard let system = prompt.system, !system.isEmpty else { return messages }
        if systemRole == .user, let first = messages.first {
            // Models without a system role (Gemma and others) are told in the first message, as their makers
            // advise.
            messages[0].content = "\(system)\n\n\(first.content)"
        } else {
            messages.insert(Message(role: systemRole.rawValue, content: system), at: 0)
        }
        return messages
    }
}
