/// Checks a conversation that comes in message by message, and gives each its place: everything the store
/// could not have made itself is refused.
///
/// Positions begin at 1 and versions at 2, as if the messages had been said one after the other; where a
/// message does not follow its neighbour, a branch begins (``Branching``). Each follows one that came before,
/// so there is no circle, and answers follow the prompt they answer. An answer that was running when it was
/// exported is interrupted: nobody writes it here.
package struct ConversationImport: Sendable {
    /// Whoever wrote an answer elsewhere; no task has this name.
    private static let owner = TaskID(uncheckedRawValue: "imported")
    private static let firstVersion = 1

    private var known: [MessageID: (position: Int, role: Message.Role)] = [:]
    private var branches: [Branching.Branch] = []

    /// Nothing came yet.
    package init() {}

    /// Messages that came so far.
    package var count: Int { known.count }

    /// The next message, as it is stored.
    /// - Throws: ``ImportFault``.
    package mutating func add(_ message: ImportedMessage) throws -> Message {
        guard known[message.id] == nil else { throw ImportFault("id", "is another message's") }
        guard known.count < Limits.messagesPerConversationMax else {
            throw ImportFault(
                "", "is more than the \(Limits.messagesPerConversationMax) messages of a conversation",
                code: .limitReached)
        }
        let parent = try parent(of: message)
        try check(message)
        let position = known.count + 1
        if parent != position - 1 {
            guard branches.count < Limits.branchesPerConversationMax else {
                throw ImportFault(
                    "follows", "makes more than \(Limits.branchesPerConversationMax) versions",
                    code: .limitReached)
            }
            branches.append(
                Branching.Branch(first: position, parent: parent, version: Self.firstVersion + position))
        }
        known[message.id] = (position, message.role)
        return Self.stored(message, at: position)
    }

    /// The conversation, after its last message.
    /// - Parameters:
    ///   - conversation: what is known of it but for its messages.
    ///   - shown: the last message that is shown.
    /// - Throws: ``ImportFault``.
    package func conversation(_ conversation: Conversation, shown: MessageID?) throws
        -> ImportedConversation
    {
        var conversation = conversation
        try Self.check(conversation)
        conversation.messageCount = known.count
        conversation.version = Self.firstVersion + known.count
        guard let shown else {
            guard known.isEmpty else { throw ImportFault("shown", "is missing") }
            return ImportedConversation(conversation: conversation, branching: nil)
        }
        guard let position = known[shown]?.position else { throw ImportFault("shown", "names no message") }
        guard !branches.isEmpty else {
            return ImportedConversation(conversation: conversation, branching: nil)
        }
        var branching = Branching(branches: branches, leaf: known.count)
        _ = branching.show(position, end: known.count, version: conversation.version)
        return ImportedConversation(conversation: conversation, branching: branching)
    }

    /// - Returns: the position of the message before it; 0 for none.
    private func parent(of message: ImportedMessage) throws -> Int {
        guard let id = message.follows else {
            guard message.role == .user else { throw ImportFault("follows", "must name the prompt") }
            return 0
        }
        guard let parent = known[id] else { throw ImportFault("follows", "names no message before it") }
        guard parent.role != message.role else {
            throw ImportFault("follows", "names a message of the same role")
        }
        return parent.position
    }

    private static func stored(_ message: ImportedMessage, at position: Int) -> Message {
        let isAnswer = message.role == .assistant
        return Message(
            id: message.id, role: message.role, position: position, text: message.text,
            reasoning: message.reasoning, state: message.state == .running ? .interrupted : message.state,
            model: message.model, prompt: isAnswer ? message.follows : nil,
            owner: message.host.map { AnswerOwner(task: owner, host: $0, epoch: 1) },
            stopReason: message.stopReason, failure: message.failure, usage: message.usage,
            created: message.created, updated: message.updated, version: firstVersion + position)
    }

    // MARK: Rules

    private func check(_ message: ImportedMessage) throws {
        try Self.check(message.created, "created_ms")
        try Self.check(message.updated, "updated_ms")
        try Self.check(.modelID, message.model, "model")
        if message.role == .user {
            try Self.check(.prompt, message.text, "text")
            guard message.state == .complete else { throw ImportFault("state", "must be `complete`") }
            let isPlain =
                message.reasoning.isEmpty && message.model == nil && message.stopReason == nil
                && message.failure == nil && message.usage == nil && message.host == nil
            guard isPlain else {
                throw ImportFault("", "is a prompt with what only answers have")
            }
            return
        }
        try Self.check(message.text, "text", bytesMax: Limits.answerBytesMax)
        try Self.check(message.reasoning, "reasoning", bytesMax: Limits.reasoningBytesMax)
        for (text, field) in [
            (message.stopReason, "stop_reason"), (message.host, "host"),
            (message.failure?.code, "error.code"), (message.failure?.message, "error.message"),
        ] { try Self.check(text ?? "", field, bytesMax: Limits.importedLabelBytesMax) }
        for tokens in [message.usage?.inputTokens, message.usage?.outputTokens] {
            guard (0...Limits.importedTokensMax).contains(tokens ?? 0) else {
                throw ImportFault("usage", "is not a number of tokens")
            }
        }
    }

    private static func check(_ conversation: Conversation) throws {
        try check(.title, conversation.title, "title")
        try check(.modelID, conversation.model, "model")
        try check(.systemPrompt, conversation.systemPrompt, "system_prompt")
        try check(conversation.created, "created_ms")
        try check(conversation.updated, "updated_ms")
    }

    private static func check(_ rule: TextRule, _ text: String?, _ field: String) throws {
        do {
            try rule.check(text)
        } catch let error as ChatError {
            throw ImportFault(
                field, error.code == .tooLarge ? "is too long" : "is empty", code: error.code)
        }
    }

    private static func check(_ text: String, _ field: String, bytesMax: Int) throws {
        guard text.utf8.count <= bytesMax else {
            throw ImportFault(field, "is longer than \(bytesMax) bytes", code: .tooLarge)
        }
    }

    private static func check(_ time: Timestamp, _ field: String) throws {
        guard (0...Limits.importedMillisecondsMax).contains(time.milliseconds) else {
            throw ImportFault(field, "is no time before the year 10000")
        }
    }
}
