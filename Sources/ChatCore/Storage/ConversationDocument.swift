/// A conversation with all its messages, as a value: the reference of what every store does to one.
///
/// `MemorySessionStore` and `FileSessionStore` keep these; `SQLiteSessionStore` does the same in SQL, and one
/// suite holds all of them to it.
package struct ConversationDocument: Hashable, Sendable, Codable {
    /// The conversation.
    package private(set) var conversation: Conversation
    /// Its messages in ascending order of position.
    package private(set) var messages: [Message] = []
    /// The position the next message gets.
    private var nextPosition = 1
    /// Somebody asked the running answer to stop.
    private var isStopRequested = false

    /// A new conversation without messages.
    package init(_ new: NewConversation, at time: Timestamp) {
        conversation = Conversation(
            id: new.id, title: new.title, model: new.model, systemPrompt: new.systemPrompt, created: time,
            updated: time)
    }

    // MARK: The conversation

    /// See ``SessionStore/updateConversation(_:of:with:at:)``.
    package mutating func update(with patch: ConversationPatch, at time: Timestamp) {
        var changed = conversation
        if let title = patch.title { changed.title = title }
        if let model = patch.model { changed.model = model }
        if let systemPrompt = patch.systemPrompt { changed.systemPrompt = systemPrompt }
        if let isPinned = patch.isPinned { changed.isPinned = isPinned }
        guard changed != conversation else { return }
        conversation = changed
        touch(at: time)
    }

    /// See ``SessionStore/resetConversation(_:of:at:)``.
    package mutating func reset(at time: Timestamp) {
        guard !messages.isEmpty else { return }
        messages = []
        conversation.messageCount = 0
        conversation.runningAnswer = nil
        isStopRequested = false
        touch(at: time)
        conversation.resetVersion = conversation.version
    }

    // MARK: A turn

    /// See ``SessionStore/beginTurn(_:in:of:at:)``.
    package mutating func begin(_ turn: NewTurn, at time: Timestamp) throws -> Turn {
        if let known = messages.first(where: { $0.id == turn.promptID }) {
            guard known.role == .user, known.text == turn.text,
                let answer = messages.last(where: { $0.prompt == known.id })
            else { throw ChatError(.idTaken, "Another message has this id.") }
            return Turn(prompt: known, answer: answer, isRepeated: true, conversation: conversation)
        }
        guard !messages.contains(where: { $0.id == turn.answerID }) else {
            throw ChatError(.idTaken, "Another message has this id.")
        }
        guard conversation.runningAnswer == nil else { throw ChatError.answerRunning }
        guard messages.count + 2 <= Limits.messagesPerConversationMax else {
            throw ChatError(.limitReached, "This conversation is full. Begin a new one.")
        }
        if conversation.title.isEmpty { conversation.title = turn.suggestedTitle }
        touch(at: time)
        let prompt = Message(
            id: turn.promptID, role: .user, position: nextPosition, text: turn.text, state: .complete,
            created: time,
            updated: time, version: conversation.version)
        touch(at: time)
        let answer = Message(
            id: turn.answerID, role: .assistant, position: nextPosition + 1, text: "", state: .running,
            model: turn.model, prompt: turn.promptID, owner: turn.owner, created: time, updated: time,
            version: conversation.version)
        messages += [prompt, answer]
        nextPosition += 2
        conversation.messageCount = messages.count
        conversation.runningAnswer = answer.id
        isStopRequested = false
        return Turn(prompt: prompt, answer: answer, isRepeated: false, conversation: conversation)
    }

    /// See ``SessionStore/continueAnswer(_:in:of:at:)``.
    package mutating func continueAnswer(_ continuation: Continuation, at time: Timestamp) throws -> Turn {
        guard let index = messages.lastIndex(where: { $0.id == continuation.answer }),
            let prompt = messages.last(where: { $0.id == messages[index].prompt })
        else { throw ChatError.notFound("answer") }
        let isRepeated = try continuation.isRepeated(for: messages[index])
        if !isRepeated {
            guard conversation.runningAnswer == nil else { throw ChatError.answerRunning }
            guard index == messages.count - 1 else { throw ChatError.notTheLast }
            try messages[index].checkMayGoOn()
            touch(at: time)
            messages[index].goOn(by: continuation, version: conversation.version, at: time)
            conversation.runningAnswer = continuation.answer
            isStopRequested = false
        }
        return Turn(
            prompt: prompt, answer: messages[index], isRepeated: isRepeated, conversation: conversation)
    }

    /// See ``SessionStore/append(_:to:)``.
    package mutating func append(_ part: AnswerPart, to answer: MessageID) throws -> AppendReceipt {
        let index = try ownedIndex(of: answer, by: part.owner)
        guard messages[index].state == .running else { throw ChatError.fenced }
        try extend(&messages[index].text, with: part)
        return AppendReceipt(isStopRequested: isStopRequested)
    }

    /// See ``SessionStore/finish(_:with:end:at:)``.
    package mutating func finish(
        _ answer: MessageID, with part: AnswerPart, end: AnswerEnd, at time: Timestamp
    ) throws -> Message {
        let index = try ownedIndex(of: answer, by: part.owner)
        guard messages[index].state == .running else {
            let ended = messages[index]
            guard ended.state == end.state, ended.text.utf8.count - part.text.utf8.count == part.offset else {
                throw ChatError.fenced
            }
            return ended
        }
        try extend(&messages[index].text, with: part)
        endRunning(at: index, end, time)
        return messages[index]
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

    /// See ``SessionStore/requestStop(in:of:)``.
    package mutating func requestStop() -> MessageID? {
        if conversation.runningAnswer != nil { isStopRequested = true }
        return conversation.runningAnswer
    }

    // MARK: Reading

    /// See ``SessionStore/conversation(_:of:before:limit:)``.
    package func page(before position: Int?, limit: Int) -> ConversationPage {
        let limit = min(max(limit, 1), Limits.messagesPageMax)
        let before = messages.prefix { $0.position < position ?? .max }
        let page = Array(before.suffix(limit))
        return ConversationPage(
            conversation: conversation, messages: page,
            earlier: before.count > page.count ? page.first?.position : nil, cursor: cursor)
    }

    /// See ``SessionStore/history(endingWith:in:of:bytesMax:)``.
    package func history(endingWith prompt: MessageID, bytesMax: Int) throws -> [Message] {
        guard let last = messages.firstIndex(where: { $0.id == prompt }) else {
            throw ChatError.notFound("message")
        }
        var first = last
        var bytes = messages[last].text.utf8.count
        while first > 0, bytes + messages[first - 1].text.utf8.count <= bytesMax {
            first -= 1
            bytes += messages[first].text.utf8.count
        }
        return Array(messages[first...last])
    }

    /// See ``SessionStore/cursors(of:)``.
    package var cursor: Cursor {
        Cursor(version: conversation.version, offset: running?.text.utf8.count ?? 0)
    }

    /// See ``SessionStore/changes(in:of:since:limit:)``.
    package func changes(since seen: Cursor, limit: Int) -> ConversationChanges? {
        let isReset =
            seen.version > conversation.version
            || (seen.version > 0 && seen.version < conversation.resetVersion)
        let seen = isReset ? .start : seen
        let limit = min(max(limit, 1), Limits.changesMax)
        let changed = messages.filter { $0.version > seen.version }.sorted { $0.version < $1.version }
        if changed.count > limit {
            let page = Array(changed.prefix(limit))
            return ConversationChanges(
                conversation: conversation, isReset: isReset, messages: page, growth: nil,
                cursor: Cursor(
                    version: page[limit - 1].version,
                    offset: page.last { $0.state == .running }?.text.utf8.count ?? 0))
        }
        var offset = 0
        var growth: AnswerGrowth?
        if let running {
            let length = running.text.utf8.count
            if running.version > seen.version {
                offset = length
            } else {
                offset = max(length, seen.offset)
                growth = running.growth(from: seen.offset)
            }
        }
        let now = Cursor(version: conversation.version, offset: offset)
        guard isReset || !changed.isEmpty || growth != nil || now.version != seen.version else { return nil }
        return ConversationChanges(
            conversation: conversation, isReset: isReset, messages: changed, growth: growth, cursor: now)
    }

    // MARK: Parts

    private var running: Message? {
        conversation.runningAnswer.flatMap { id in messages.last { $0.id == id } }
    }

    private mutating func touch(at time: Timestamp) {
        conversation.version += 1
        conversation.updated = time
    }

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

    private func extend(_ text: inout String, with part: AnswerPart) throws {
        let length = text.utf8.count
        let known = text.utf8.dropFirst(max(part.offset, 0)).prefix(part.text.utf8.count)
        guard (0...length).contains(part.offset), part.text.utf8.starts(with: known),
            let rest = String(part.text.utf8.dropFirst(known.count))
        else {
            throw ChatError(
                .invalid, "The part does not fit the answer.",
                cause: "offset \(part.offset), stored \(length)")
        }
        text += rest
    }
}

extension Message {
    /// The text after `offset` bytes of UTF-8, or nil when there is none or the offset is inside a character
    /// (which only a made-up cursor names).
    package func growth(from offset: Int) -> AnswerGrowth? {
        guard offset >= 0, offset < text.utf8.count else { return nil }
        let start = text.utf8.index(text.utf8.startIndex, offsetBy: offset)
        guard let suffix = String(text.utf8[start...]) else { return nil }
        return AnswerGrowth(message: id, offset: offset, text: suffix)
    }
}
