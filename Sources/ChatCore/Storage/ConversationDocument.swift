/// A conversation with all its messages, as a value: the reference of what every store does to one.
///
/// `MemorySessionStore` and `FileSessionStore` keep these; `SQLiteSessionStore` does the same in SQL, and one
/// suite holds all of them to it.
package struct ConversationDocument: Hashable, Sendable, Codable {
    /// The conversation.
    package internal(set) var conversation: Conversation
    /// All its messages in ascending order of position, whether they are shown or not.
    package internal(set) var messages: [Message] = []
    /// The position the next message gets.
    var nextPosition = 1
    /// Which messages are versions of each other; nil when each follows the one before it.
    package internal(set) var branching: Branching?
    /// Somebody asked the running answer to stop.
    var isStopRequested = false

    /// A new conversation without messages.
    package init(_ new: NewConversation, at time: Timestamp) {
        conversation = Conversation(
            id: new.id, title: new.title, model: new.model, systemPrompt: new.systemPrompt, created: time,
            updated: time)
    }

    // MARK: The conversation

    /// See ``SessionStore/updateConversation(_:of:with:at:)``.
    package mutating func update(with patch: ConversationPatch, at time: Timestamp) throws {
        let changed = patch.applied(to: conversation)
        let isAnotherShown = try show(patch.shown)
        guard isAnotherShown || changed != conversation else { return }
        conversation = changed
        touch(at: time)
    }

    private mutating func show(_ id: MessageID?) throws -> Bool {
        guard let id else { return false }
        guard let message = messages.first(where: { $0.id == id }) else {
            throw ChatError.notFound("message")
        }
        let isAnother =
            branching?.show(
                message.position, end: nextPosition - 1, version: conversation.version + 1) ?? false
        if isAnother, conversation.runningAnswer != nil { throw ChatError.answerRunning }
        return isAnother
    }

    /// See ``SessionStore/resetConversation(_:of:at:)``.
    package mutating func reset(at time: Timestamp) {
        guard !messages.isEmpty else { return }
        messages = []
        branching = nil
        conversation.messageCount = 0
        conversation.runningAnswer = nil
        isStopRequested = false
        touch(at: time)
        conversation.resetVersion = conversation.version
    }

    // MARK: Reading

    /// See ``SessionStore/conversation(_:of:before:limit:)``.
    package func page(before position: Int?, limit: Int) -> ConversationPage {
        let limit = min(max(limit, 1), Limits.messagesPageMax)
        let before = shown.prefix { $0.position < position ?? .max }
        let page = Array(before.suffix(limit))
        return ConversationPage(
            conversation: conversation, messages: presented(page),
            earlier: before.count > page.count ? page.first?.position : nil, cursor: cursor)
    }

    /// See ``SessionStore/history(endingWith:in:of:bytesMax:)``.
    package func history(endingWith prompt: MessageID, bytesMax: Int) throws -> [Message] {
        guard let last = messages.first(where: { $0.id == prompt }) else {
            throw ChatError.notFound("message")
        }
        let path = branching?.path(to: last.position) ?? [1...last.position]
        let leading = messages.filter { message in path.contains { $0.contains(message.position) } }
        var first = leading.count - 1
        var bytes = last.text.utf8.count
        while first > 0, bytes + leading[first - 1].text.utf8.count <= bytesMax {
            first -= 1
            bytes += leading[first].text.utf8.count
        }
        return Array(leading[first...])
    }

    /// See ``SessionStore/cursors(of:)``.
    package var cursor: Cursor {
        Cursor(version: conversation.version, offset: running?.said.bytes ?? 0)
    }

    /// The answer that is being written.
    var running: Message? {
        conversation.runningAnswer.flatMap { id in messages.last { $0.id == id } }
    }

    /// The messages on the path, in ascending order.
    var shown: [Message] {
        guard let path = branching?.path else { return messages }
        return messages.filter { message in path.contains { $0.contains(message.position) } }
    }

    /// With the alternatives of each.
    func presented(_ messages: [Message]) -> [Message] {
        guard let branching else { return messages }
        return messages.map { message in
            let positions = branching.alternatives(of: message.position)
            guard positions.count > 1 else { return message }
            var message = message
            message.alternatives = positions.compactMap { position in
                self.messages.first { $0.position == position }?.id
            }
            return message
        }
    }

    mutating func touch(at time: Timestamp) {
        conversation.version += 1
        conversation.updated = time
    }
}
