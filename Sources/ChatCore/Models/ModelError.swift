/// Why a model did not answer, or not to its end.
package struct ModelError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for machines. The raw value is what a failed answer carries as its code.
    package enum Kind: String, Sendable, CaseIterable {
        /// Too many requests; ``ModelError/retryAfterMilliseconds`` when the provider said how long to wait.
        case throttled
        /// The provider is down, overloaded or unreachable.
        case unavailable
        /// The credentials are missing, wrong or not allowed to use this model.
        case unauthorized
        /// The model does not exist there.
        case unknownModel = "unknown_model"
        /// The conversation does not fit into the model's window.
        case tooLong = "too_long"
        /// The provider refused the request or filtered the answer.
        case refused
        /// The stream ended in the middle of the answer.
        case cutOff = "cut_off"
        /// A deadline ran out: connect, first token, gap or whole.
        case timedOut = "timed_out"
        /// The provider answered something that is not its protocol.
        case malformed
    }

    /// What went wrong, for machines.
    package let kind: Kind
    /// A sentence for the person who chats: no URL, account, key or message text.
    package let message: String
    /// What the log may say in addition: status, provider's code; no key, no message text.
    package let detail: String?
    /// When a retry may do, in milliseconds.
    package let retryAfterMilliseconds: Int?

    /// Makes an error; `message` nil takes the kind's own sentence.
    package init(
        _ kind: Kind, message: String? = nil, detail: String? = nil, retryAfterMilliseconds: Int? = nil
    ) {
        self.kind = kind
        self.message = message ?? kind.sentence
        self.detail = detail
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    package var description: String { detail.map { "\(kind.rawValue): \($0)" } ?? kind.rawValue }
}

extension ModelError.Kind {
    /// What the person who chats is told when the provider's own words are not fit to be shown.
    package var sentence: String {
        switch self {
        case .throttled: "The model is receiving too many requests. Try again in a moment."
        case .unavailable: "The model cannot be reached at the moment. Try again."
        case .unauthorized:
            "This server is not allowed to use that model. Choose another one or tell its operator."
        case .unknownModel: "That model does not exist at its provider. Choose another one."
        case .tooLong: "The conversation has grown too long for this model."
        case .refused: "The model's provider refused to answer."
        case .cutOff: "The answer was cut off. You can ask again."
        case .timedOut: "The model took too long to answer. Try again."
        case .malformed: "The model's server answered something unexpected. Try again."
        }
    }
}
