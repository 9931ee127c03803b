extension ChatTask {
    /// Finds out whether a turn was stored although the store could not say so.
    ///
    /// Its client was told to come back and may do so at another task, which finds a running answer whose
    /// task lives, and must not touch it: so nobody but this task can write it or end it.
    /// - Returns: the turn if it is there and runs in this task's name.
    func turnInDoubt(
        _ answerID: MessageID, in conversation: ConversationReference, after error: any Error
    ) async -> Turn? {
        // After any other error nothing was changed: see `SessionStore`.
        guard let code = (error as? ChatError)?.code, [.unavailable, .busy].contains(code) else {
            return nil
        }
        for _ in 0..<Limits.finishAttemptsMax where !hasLeft {
            let page = try? await store.conversation(
                conversation.conversation, of: conversation.session, before: nil, limit: 2)
            if let page {
                guard let answer = page.messages.last, answer.id == answerID, answer.state == .running,
                    answer.owner?.task == id,
                    let prompt = page.messages.first(where: { $0.id == answer.prompt })
                else { return nil }
                return Turn(
                    prompt: prompt, answer: answer, isRepeated: true, conversation: page.conversation)
            }
            try? await Task.sleep(for: .milliseconds(Limits.flushIntervalMilliseconds))
        }
        return nil
    }
}
