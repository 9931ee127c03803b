/// The one error that crosses modules: a code for machines, a sentence for people, a private cause for the
/// log.
///
/// Codes map to HTTP statuses in the server and to exit statuses in the command, each in one table.
package struct ChatError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for machines. Values are stable: they are part of the HTTP contract.
    package enum Code: String, Sendable, CaseIterable {
        /// The input breaks a rule; the message names it. Not worth a retry.
        case invalid
        /// No key, a malformed key, or a key nobody knows.
        case unauthorized
        /// No such session, conversation or message *in this session*; another session's ids look the same.
        case notFound = "not_found"
        /// A turn is running in this conversation; wait for its end or stop it.
        case answerRunning = "answer_running"
        /// The id is taken by something else than what was sent.
        case idTaken = "id_taken"
        /// What was asked for no longer fits what there is; look again.
        case conflict
        /// A body or a text is longer than its limit.
        case tooLarge = "too_large"
        /// A limit on the number of things is reached; delete something first.
        case limitReached = "limit_reached"
        /// The writer no longer owns what it writes to: its answer was interrupted, finished or removed.
        case fenced
        /// A queue is full or a wait ran out; the same request will do later.
        case busy
        /// The volume or the model is away, full, read-only or damaged.
        case unavailable
        /// A defect of Stoa's own; the cause is in the log.
        case `internal`
    }

    /// What went wrong, for machines.
    package let code: Code
    /// A sentence for the person who asked. Holds no key, no message text and no path.
    package let message: String
    /// When a retry may do, in milliseconds from now.
    package let retryAfterMilliseconds: Int?
    /// What the log may say in addition; never shown to whoever asked. Holds no key and no message text.
    package let cause: String?

    /// Makes an error; `cause` goes to the log only.
    package init(_ code: Code, _ message: String, retryAfterMilliseconds: Int? = nil, cause: String? = nil) {
        self.code = code
        self.message = message
        self.retryAfterMilliseconds = retryAfterMilliseconds
        self.cause = cause
    }

    package var description: String {
        cause.map { "\(code.rawValue): \(message) (\($0))" } ?? "\(code.rawValue): \(message)"
    }
}

extension ChatError {
    /// The answer to an id that does not exist in this session, whoever else may own it.
    package static func notFound(_ noun: String) -> ChatError {
        ChatError(.notFound, "There is no such \(noun).")
    }

    /// A conversation that already has a running answer.
    package static let answerRunning = ChatError(
        .answerRunning, "An answer is running in this conversation. Wait for it or stop it first.",
        retryAfterMilliseconds: 1_000)

    /// The writer lost its answer to a stop, an interruption or a removal.
    package static let fenced = ChatError(.fenced, "This answer is no longer written by this task.")

    /// A full queue or a wait that ran out.
    package static func busy(_ what: String, retryAfterMilliseconds: Int = 1_000, cause: String? = nil)
        -> ChatError
    {
        ChatError(
            .busy, "\(what) is busy. Try again in a moment.", retryAfterMilliseconds: retryAfterMilliseconds,
            cause: cause)
    }

    /// A store that was closed, because its task is leaving.
    package static let closed = ChatError(
        .unavailable, "This task is shutting down. Try again.", retryAfterMilliseconds: 500,
        cause: "store closed")
}
