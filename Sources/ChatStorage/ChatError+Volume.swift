import ChatCore

extension ChatError {
    /// Puts what can go wrong on a volume into the words of the contract, on codes only.
    ///
    /// - Parameters:
    ///   - noun: what is busy or away, for people.
    ///   - session: the session meant; only its short id is told, and only to the log.
    static func mapping<Value>(
        _ noun: String, about session: SessionID?, isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let error as SystemCallError {
            throw ChatError(error, noun, about: session)
        } catch is BlockingLane.Full {
            throw ChatError.busy(noun, cause: "queue full")
        } catch let error as BlockingLane.TimedOut {
            guard error.started else { throw ChatError.busy(noun, cause: "no turn before the deadline") }
            throw ChatError(
                .unavailable, "\(noun) does not answer. Try again in a moment.",
                retryAfterMilliseconds: 5_000,
                cause: "a call on the volume did not return before the deadline")
        }
    }

    /// A system call on the volume that failed: away, full, read-only or not allowed, never the caller's
    /// fault.
    init(_ error: SystemCallError, _ noun: String, about session: SessionID?) {
        let about = session.map { "session \($0.short): " } ?? ""
        self.init(
            .unavailable,
            error.advice.map { "\(noun) cannot be used: \($0)." } ?? "\(noun) cannot be used at the moment.",
            retryAfterMilliseconds: 5_000, cause: about + error.description)
    }
}
