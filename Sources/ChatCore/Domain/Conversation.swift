/// An ordered list of messages in a session, without the messages.
package struct Conversation: Hashable, Sendable, Codable, Identifiable {
    /// Chosen by the client.
    package let id: ConversationID
    /// Shown in the list; empty until somebody or the first prompt gives one.
    package var title: String
    /// The model its turns use when they name none; nil is the server's default.
    package var model: String?
    /// What the model is told before the first message.
    package var systemPrompt: String?
    /// Kept on top of the list.
    package var isPinned: Bool
    /// Grows by one with each change of the conversation or of one of its messages, the growth of a running
    /// answer's text excepted.
    package var version: Int
    /// The version of the last reset: whoever saw less must drop the messages it has.
    package var resetVersion: Int
    /// How many messages it holds.
    package var messageCount: Int
    /// The answer that is being written, if any.
    package var runningAnswer: MessageID?
    /// When it was made.
    package let created: Timestamp
    /// When a message, a reset or a patch last changed it.
    package var updated: Timestamp

    /// Makes the value; storing it is the store's.
    package init(
        id: ConversationID, title: String = "", model: String? = nil, systemPrompt: String? = nil,
        isPinned: Bool = false,
        version: Int = 1, resetVersion: Int = 0, messageCount: Int = 0, runningAnswer: MessageID? = nil,
        created: Timestamp, updated: Timestamp
    ) {
        self.id = id
        self.title = title
        self.model = model
        self.systemPrompt = systemPrompt
        self.isPinned = isPinned
        self.version = version
        self.resetVersion = resetVersion
        self.messageCount = messageCount
        self.runningAnswer = runningAnswer
        self.created = created
        self.updated = updated
    }
}

/// What a client asks for when it makes a conversation.
package struct NewConversation: Hashable, Sendable {
    /// Chosen by the client; the same id again is the same conversation.
    package let id: ConversationID
    /// May be empty.
    package let title: String
    /// Nil is the server's default.
    package let model: String?
    /// Nil is none.
    package let systemPrompt: String?

    /// - Throws: ``ChatError/Code/tooLarge`` when a text is past its limit.
    package init(id: ConversationID, title: String = "", model: String? = nil, systemPrompt: String? = nil)
        throws
    {
        try TextRule.title.check(title)
        try TextRule.modelID.check(model)
        try TextRule.systemPrompt.check(systemPrompt)
        self.id = id
        self.title = title
        self.model = model
        self.systemPrompt = systemPrompt
    }
}

/// What a client changes in a conversation; what is nil stays as it is.
package struct ConversationPatch: Hashable, Sendable {
    /// The new title.
    package var title: String?
    /// The new model; `.some(nil)` goes back to the default.
    package var model: String??
    /// The new system prompt; `.some(nil)` removes it.
    package var systemPrompt: String??
    /// Keep it on top of the list, or no longer.
    package var isPinned: Bool?
    /// Show this message, and what was last said after it, in the place of its alternative.
    package var shown: MessageID?

    /// - Throws: ``ChatError/Code/tooLarge`` when a text is past its limit.
    package init(
        title: String? = nil, model: String?? = nil, systemPrompt: String?? = nil, isPinned: Bool? = nil,
        shown: MessageID? = nil
    ) throws {
        try TextRule.title.check(title)
        try TextRule.modelID.check(model ?? nil)
        try TextRule.systemPrompt.check(systemPrompt ?? nil)
        self.title = title
        self.model = model
        self.systemPrompt = systemPrompt
        self.isPinned = isPinned
        self.shown = shown
    }

    /// What becomes of `conversation`; which message is shown is not its own affair.
    package func applied(to conversation: Conversation) -> Conversation {
        var changed = conversation
        if let title { changed.title = title }
        if let model { changed.model = model }
        if let systemPrompt { changed.systemPrompt = systemPrompt }
        if let isPinned { changed.isPinned = isPinned }
        return changed
    }
}

/// One page of a session's conversations, pinned ones and then the most recently updated first.
package struct ConversationList: Hashable, Sendable {
    /// At most ``Limits/conversationsPageMax``.
    package let conversations: [Conversation]
    /// Where the next page begins; nil when this is the last one.
    package let next: ConversationListCursor?

    /// Makes a page.
    package init(conversations: [Conversation], next: ConversationListCursor?) {
        self.conversations = conversations
        self.next = next
    }
}

/// The last conversation of a page, as it was sorted: pinned first, then by time of change, then by id, all
/// descending.
package struct ConversationListCursor: Hashable, Sendable {
    /// Whether it was pinned.
    package let isPinned: Bool
    /// When it had been updated.
    package let updated: Timestamp
    /// Its id, which tells apart what changed in the same millisecond.
    package let id: ConversationID

    /// The place of `conversation` in the list.
    package init(of conversation: Conversation) {
        isPinned = conversation.isPinned
        updated = conversation.updated
        id = conversation.id
    }

    /// Reads ``text`` back, or nil when it is malformed.
    package init?(_ text: some StringProtocol) {
        let fields = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, fields[0] == "0" || fields[0] == "1", let milliseconds = Int64(fields[1]),
            let id = ConversationID(rawValue: String(fields[2]))
        else { return nil }
        isPinned = fields[0] == "1"
        updated = Timestamp(milliseconds: milliseconds)
        self.id = id
    }

    /// Opaque to clients; safe in a URL.
    package var text: String { "\(isPinned ? 1 : 0).\(updated.milliseconds).\(id)" }

    /// Whether `conversation` comes after this place.
    package func isBefore(_ conversation: Conversation) -> Bool {
        Self.precedes(self, ConversationListCursor(of: conversation))
    }

    /// The order of a list.
    package static func precedes(_ left: Self, _ right: Self) -> Bool {
        if left.isPinned != right.isPinned { return left.isPinned }
        if left.updated != right.updated { return left.updated > right.updated }
        return right.id.rawValue.utf8.lexicographicallyPrecedes(left.id.rawValue.utf8)
    }
}
