/// What servers say in an error: `{"error":{…}}`, `{"error":"text"}`, `{"message":…}`, `{"detail":…}`.
///
/// The message itself is only searched, never shown or logged: servers repeat prompts and parts of keys in
/// it.
struct UpstreamErrorBody: Decodable, Equatable {
    var type: String?
    /// A word, or a number on OpenRouter (then an HTTP status).
    var code: String?
    private var message: String?

    private enum Key: String, CodingKey {
        case error, type, code, message, detail
    }

    init() {}

    /// A body that is no JSON.
    init(message: String) {
        self.message = message
    }

    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            message = text
            return
        }
        let members = try decoder.container(keyedBy: Key.self)
        if let inner = members.tolerant(UpstreamErrorBody.self, .error) {
            self = inner
            return
        }
        type = members.tolerant(String.self, .type)
        code = members.tolerant(String.self, .code) ?? members.tolerant(Int.self, .code).map(String.init)
        message = members.tolerant(String.self, .message) ?? members.tolerant(String.self, .detail)
    }

    /// The HTTP status that an error inside a stream stands for, when its code is one.
    var status: Int? { code.flatMap(Int.init).flatMap { (400...599).contains($0) ? $0 : nil } }

    /// The conversation does not fit. OpenAI has a code for it; llama.cpp a type; vLLM and others only words.
    var saysTooLong: Bool {
        code == "context_length_exceeded" || code == "string_above_max_length"
            || type == "exceed_context_size_error"
            || mentions("maximum context length", "context size", "context window", "too many tokens")
    }

    var saysNoQuota: Bool { code == "insufficient_quota" || type == "insufficient_quota" }

    var saysThrottled: Bool { code == "rate_limit_exceeded" || type == "rate_limit_error" || code == "429" }

    var saysFiltered: Bool { code == "content_filter" || code == "content_policy_violation" }

    /// Type and code for the log, each only as far as it is a plain word.
    var words: String {
        [("code", code), ("type", type)].compactMap { name, value in
            guard let value, !value.isEmpty, value.utf8.count <= 64,
                value.utf8.allSatisfy({ UInt8(ascii: "-") <= $0 && $0 < 0x7F && $0 != UInt8(ascii: "/") })
            else { return nil }
            return ", \(name) \(value)"
        }.joined()
    }

    private func mentions(_ phrases: String...) -> Bool {
        guard let text = message?.lowercased() else { return false }
        return phrases.contains { text.contains($0) }
    }
}
