// The life of a turn, in a conversation as a value.
extension ConversationDocument {
    /// See ``SessionStore/beginTurn(_:in:of:at:)``.
    package mutating func begin(_ turn: NewTurn, at time: Timestamp) throws -> Turn {
        if let known = messages.first(where: { $0.id == turn.promptID }) {
            guard known.role == .user, known.text == turn.text,
                let answer = messages.last(where: { $0.prompt == known.id })
            else { throw ChatError.idTaken }
            return self.turn(known, answer, isRepeated: true)
        }
        guard !messages.contains(where: { $0.id == turn.answerID }) else { throw ChatError.idTaken }
        try checkRoom(for: 2)
        let parent = try turn.replaced.map { id in
            guard let replaced = messages.first(where: { $0.id == id && $0.role == .user }) else {
                throw ChatError.notFound("prompt")
            }
            return branching?.parent(of: replaced.position) ?? replaced.position - 1
        }
        if conversation.title.isEmpty { conversation.title = turn.suggestedTitle }
        touch(at: time)
        let first = try takePositions(2, after: parent)
        let prompt = Message(
            id: turn.promptID, role: .user, position: first, text: turn.text, state: .complete, created: time,
            updated: time, version: conversation.version)
        touch(at: time)
        let answer = Message(
            id: turn.answerID, role: .assistant, position: first + 1, text: "", state: .running,
            model: turn.model, prompt: turn.promptID, owner: turn.owner, created: time, updated: time,
            version: conversation.version)
        add([prompt, answer])
        return self.turn(prompt, answer, isRepeated: false)
    }

    /// See ``SessionStore/retryAnswer(_:in:of:at:)``.
    package mutating func retry(_ retry: Retry, at time: Timestamp) throws -> Turn {
        guard let target = messages.first(where: { $0.id == retry.message }),
            let prompt = messages.first(where: { $0.id == target.prompt ?? target.id })
        else { throw ChatError.notFound("message") }
        if let known = messages.first(where: { $0.id == retry.answerID }) {
            guard known.prompt == prompt.id else { throw ChatError.idTaken }
            return turn(prompt, known, isRepeated: true)
        }
        try checkRoom(for: 1)
        touch(at: time)
        let answer = Message(
            id: retry.answerID, role: .assistant,
            position: try takePositions(1, after: prompt.position), text: "", state: .running,
            model: retry.model, prompt: prompt.id, owner: retry.owner, created: time, updated: time,
            version: conversation.version)
        add([answer])
        return turn(prompt, answer, isRepeated: false)
    }

    private func turn(_ prompt: Message, _ answer: Message, isRepeated: Bool) -> Turn {
        let messages = presented([prompt, answer])
        return Turn(
            prompt: messages[0], answer: messages[1], isRepeated: isRepeated, conversation: conversation)
    }

    private func checkRoom(for count: Int) throws {
        guard conversation.runningAnswer == nil else { throw ChatError.answerRunning }
        guard messages.count + count <= Limits.messagesPerConversationMax else {
            throw ChatError.conversationFull
        }
    }

    private mutating func takePositions(_ count: Int, after parent: Int?) throws -> Int {
        let first = nextPosition
        branching = try Branching.adding(
            count, at: first, after: parent, to: branching, version: conversation.version)
        nextPosition += count
        return first
    }

    /// Adds messages, the last of which is a running answer.
    private mutating func add(_ new: [Message]) {
        messages += new
        conversation.messageCount = messages.count
        conversation.runningAnswer = new.last?.id
        isStopRequested = false
    }

    /// See ``SessionStore/continueAnswer(_:in:of:at:)``.
    package mutating func continueAnswer(_ continuation: Continuation, at time: Timestamp) throws -> Turn {
        guard let index = messages.lastIndex(where: { $0.id == continuation.answer }),
            let prompt = messages.last(where: { $0.id == messages[index].prompt })
        else { throw ChatError.notFound("answer") }
        let isRepeated = try continuation.isRepeated(for: messages[index])
        if !isRepeated {
            guard conversation.runningAnswer == nil else { throw ChatError.answerRunning }
            let leaf = branching?.leaf ?? nextPosition - 1
            guard messages[index].position == leaf else { throw ChatError.notTheLast }
            try messages[index].checkMayGoOn()
            touch(at: time)
            messages[index].goOn(by: continuation, version: conversation.version, at: time)
            conversation.runningAnswer = continuation.answer
            isStopRequested = false
        }
        return turn(prompt, messages[index], isRepeated: isRepeated)
    }

    /// See ``SessionStore/append(_:to:)``.
    package mutating func append(_ part: AnswerPart, to answer: MessageID) throws -> AppendReceipt {
        let index = try ownedIndex(of: answer, by: part.owner)
        guard messages[index].state == .running else { throw ChatError.fenced }
        try extend(&messages[index], with: part)
        return AppendReceipt(isStopRequested: isStopRequested)
    }

    /// See ``SessionStore/finish(_:with:end:at:)``.
    package mutating func finish(
        _ answer: MessageID, with part: AnswerPart, end: AnswerEnd, at time: Timestamp
    ) throws -> Message {
        let index = try ownedIndex(of: answer, by: part.owner)
        guard messages[index].state == .running else {
            let ended = messages[index]
            guard ended.state == end.state, ended.said.bytes - part.said.bytes == part.offset else {
                throw ChatError.fenced
            }
            return presented([ended])[0]
        }
        try extend(&messages[index], with: part)
        endRunning(at: index, end, time)
        return presented([messages[index]])[0]
    }

    /// See ``SessionStore/interrupt(_:ownedBy:at:)``.
    package mutating func interrupt(_ answer: MessageID, ownedBy owner: AnswerOwner, at time: Timestamp)
        -> Bool
    {
        guard let index = try? ownedIndex(of: answer, by: owner), messages[index].state == .running else {
            return false
        }
        endRunning(at: index, AnswerEnd(state: .interrupted), time)
        return true
    }

    /// See ``SessionStore/requestStop(_:in:of:)``.
    package mutating func requestStop(_ answer: MessageID?) -> MessageID? {
        guard let running = conversation.runningAnswer, answer == nil || answer == running else { return nil }
        isStopRequested = true
        return running
    }

    // MARK: Parts

    private mutating func endRunning(at index: Int, _ end: AnswerEnd, _ time: Timestamp) {
        touch(at: time)
        messages[index].state = end.state
        messages[index].stopReason = end.stopReason
        messages[index].failure = end.failure
        messages[index].usage = [messages[index].usage, end.usage].compactMap { $0 }.sum
        messages[index].updated = time
        messages[index].version = conversation.version
        conversation.runningAnswer = nil
        isStopRequested = false
    }

    private func ownedIndex(of answer: MessageID, by owner: AnswerOwner) throws -> Int {
        guard let index = messages.lastIndex(where: { $0.id == answer }),
            messages[index].owner?.task == owner.task, messages[index].owner?.epoch == owner.epoch
        else { throw ChatError.fenced }
        return index
    }

    private func extend(_ message: inout Message, with part: AnswerPart) throws {
        var said = message.said
        try said.take(part.said, at: part.offset)
        message.reasoning = said.reasoning
        message.text = said.text
    }
}

extension ChatError {
    /// An id that something else has than what was sent.
    package static let idTaken = ChatError(.idTaken, "Another message has this id.")

    /// A conversation at its limit of messages.
    package static let conversationFull = ChatError(
        .limitReached, "This conversation is full. Begin a new one.")
}
