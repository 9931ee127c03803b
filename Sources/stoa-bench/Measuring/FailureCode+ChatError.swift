import ChatCore

extension ChatError: FailureCode {
    var failureCode: String { code.rawValue }
}

extension Refusal: FailureCode {
    var failureCode: String { "wrong_answer" }
}
