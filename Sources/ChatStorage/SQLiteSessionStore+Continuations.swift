import ChatCore

extension AnswerTable {
    func continueAnswer(
        _ continuation: Continuation, in conversation: ConversationID, of session: SessionID,
        at time: Timestamp
    ) throws -> Turn {
        var row = try conversations.find(conversation, of: session)
        guard var answer = try messages.find(continuation.answer, in: row.number),
            let prompt = try answer.value.prompt.flatMap({ try messages.find($0, in: row.number) })
        else { throw ChatError.notFound("answer") }
        let isRepeated = try continuation.isRepeated(for: answer.value)
        if !isRepeated {
            guard row.running == nil else { throw ChatError.answerRunning }
            guard answer.value.position == row.leaf ?? row.nextPosition - 1 else {
                throw ChatError.notTheLast
            }
            try answer.value.checkMayGoOn()
            row.touch(at: time)
            answer.value.goOn(by: continuation, version: row.value.version, at: time)
            try unfold(answer)
            row.running = answer.number
            row.value.runningAnswer = answer.value.id
            try conversations.store(row)
        }
        return try turn(prompt.value, answer.value, isRepeated: isRepeated, row)
    }

    /// Makes what an answer said the first parts of a running one: written once, and from then on only
    /// appended to.
    private func unfold(_ answer: MessageTable.Row) throws(SQLiteError) {
        let message = answer.value
        try add(message.said, at: 0, to: answer.number)
        if answer.hasReasoning {
            try connection.run("DELETE FROM reasoning WHERE message = ?", [.integer(answer.number)])
        }
        try connection.run(
            """
            UPDATE message SET state = ?, version = ?, updated_ms = ?, owner_task = ?, owner_host = ?,
                owner_epoch = ?, stop_requested = 0, stop_reason = NULL, error_code = NULL,
                error_message = NULL, text_bytes = 0, text = '', reasoning_bytes = 0 WHERE number = ?
            """,
            [
                .text(message.state.rawValue), .integer(message.version),
                .integer(message.updated.milliseconds), .text(message.owner?.task.rawValue),
                .text(message.owner?.host), .integer(message.owner?.epoch), .integer(answer.number),
            ])
    }
}
