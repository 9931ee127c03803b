/// Giving a session another key, without a moment at which two keys open it, or none.
///
/// Part of ``SessionStore``, whose general rules hold. A session's id is its key's hash and decides where it
/// is kept. Whoever makes the new key chooses one whose session is kept in the same place
/// (``SessionKey/successor(nonce:where:)``), so nothing is ever copied: rotation is one step.
package protocol SessionRotating: Sendable {
    /// Whether sessions with these ids are kept in the same place, so that one can become the other.
    func isSamePlace(_ left: SessionID, _ right: SessionID) -> Bool

    /// From one moment to the next, all that `id` owns belongs to `successor`, and `id` is no session any
    /// more; the session's version grows. What its imports have put aside is forgotten.
    ///
    /// Of a session that became `successor` before, whoever asked for it, the call returns that session and
    /// changes nothing. Of two calls with different successors, one is the first; the other throws
    /// ``ChatError/Code/unauthorized``, because the session is gone.
    /// - Precondition: ``isSamePlace(_:_:)``.
    /// - Returns: the session under its new id.
    /// - Throws: ``ChatError/Code/unauthorized`` when neither exists; ``ChatError/Code/conflict`` when both
    ///   do; ``ChatError/Code/answerRunning`` when an answer runs: its task knows the old id.
    func rotateSession(_ id: SessionID, to successor: SessionID) async throws -> Session

    /// The answers that run in a session.
    /// - Throws: ``ChatError/Code/unauthorized``.
    func runningAnswers(of session: SessionID) async throws -> [RunningAnswer]
}

extension ChatError {
    /// Two sessions where one was to become the other.
    package static let successorTaken = ChatError(.conflict, "The new key opens a session already.")
}
