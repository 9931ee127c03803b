/// An answer that was cut off and is to go on.
///
/// The version names the state it is to go on from: whoever asks twice, or in two windows, names the same
/// one, and only the first of them starts anything.
package struct Continuation: Hashable, Sendable {
    /// The answer.
    package let answer: MessageID
    /// The answer's version as whoever asks has seen it.
    package let version: Int
    /// The task that will write on.
    package let task: TaskID
    /// The host it runs on, for people.
    package let host: String

    /// Makes the value.
    package init(answer: MessageID, version: Int, task: TaskID, host: String) {
        self.answer = answer
        self.version = version
        self.task = task
        self.host = host
    }
}

extension Continuation {
    /// Whether `answer` has already gone on from the state that is asked for.
    /// - Throws: ``ChatError/Code/invalid`` for a version it never had.
    package func isRepeated(for answer: Message) throws -> Bool {
        guard version <= answer.version else {
            throw ChatError(.invalid, "The answer never had this version.")
        }
        return version < answer.version
    }
}

extension Message {
    /// The answer runs again, from the text it has.
    package mutating func goOn(by continuation: Continuation, version: Int, at time: Timestamp) {
        state = .running
        owner = AnswerOwner(
            task: continuation.task, host: continuation.host, epoch: (owner?.epoch ?? 0) + 1)
        stopReason = nil
        failure = nil
        updated = time
        self.version = version
    }

    /// Whether an answer ended before its model had said all: it may go on.
    package var isCutOff: Bool {
        guard role == .assistant else { return false }
        return switch state {
        case .stopped, .interrupted, .failed: true
        // As OpenAI's protocol and Bedrock's call a limit on tokens.
        case .complete: stopReason == "length" || stopReason == "max_tokens"
        case .running: false
        }
    }

    /// - Throws: ``ChatError/Code/conflict`` when the answer is whole, ``ChatError/Code/limitReached`` when
    ///   nothing more fits.
    package func checkMayGoOn() throws {
        guard isCutOff else { throw ChatError(.conflict, "This answer is whole: nothing is to be added.") }
        guard text.utf8.count < Limits.answerBytesMax else {
            throw ChatError(.limitReached, "This answer is as long as an answer can be.")
        }
    }
}

extension [Message.Usage] {
    /// What was counted for an answer that went on, all times together; nil when nothing was.
    package var sum: Message.Usage? {
        isEmpty
            ? nil
            : Message.Usage(
                inputTokens: reduce(0) { $0 + $1.inputTokens },
                outputTokens: reduce(0) { $0 + $1.outputTokens })
    }
}

extension ChatError {
    /// Something was said after the answer that is to go on.
    package static let notTheLast = ChatError(.conflict, "Only the last answer can go on.")
}
