extension ChatTask {
    /// See ``SessionImporting/commitImport(_:of:in:)``.
    package func commitImport(
        _ conversation: ImportedConversation, of id: ImportID, in session: SessionID
    ) async throws -> Bool {
        let isNew = try await store.commitImport(conversation, of: id, in: session)
        if isNew { sessions.hint(session) }
        return isNew
    }
}

extension ChatTask {
    /// Gives a session another key (``SessionRotating``); the old one opens nothing any more.
    ///
    /// The same key and nonce again return the same, whether the first call was heard of or not.
    /// - Throws: ``ChatError/Code/answerRunning`` while a living task answers in the session; otherwise as
    ///   ``SessionRotating/rotateSession(_:to:)``.
    package func rotate(_ key: SessionKey, nonce: [UInt8]) async throws -> (key: SessionKey, session: Session)
    {
        let old = key.sessionID
        guard let successor = key.successor(nonce: nonce, where: { store.isSamePlace(old, $0) }) else {
            throw ChatError(.internal, "Something went wrong.", cause: "no successor fits")
        }
        let session: Session
        do {
            session = try await store.rotateSession(old, to: successor.sessionID)
        } catch let error as ChatError where error.code == .answerRunning {
            guard try await settleAll(of: old) else { throw ChatError.answerRunningInSession }
            session = try await store.rotateSession(old, to: successor.sessionID)
        }
        sessions.hint(old)
        return (successor, session)
    }

    /// Ends answers whose tasks are dead.
    /// - Returns: whether none runs any more.
    private func settleAll(of session: SessionID) async throws -> Bool {
        for running in try await store.runningAnswers(of: session) {
            guard try await abandoned.settle(running.answer, ownedBy: running.owner) else { return false }
        }
        return true
    }
}

extension ChatError {
    /// A session that is to get another key, while an answer is written in it.
    package static let answerRunningInSession = ChatError(
        .answerRunning, "An answer is running in this session. Wait for it or stop it first.",
        retryAfterMilliseconds: 1_000)
}
