/// A conversation in which a search found something.
package struct SearchResult: Hashable, Sendable {
    /// The conversation.
    package let conversation: Conversation
    /// Its title first, then messages from the newest on; at most ``Limits/searchHitsPerConversationMax``.
    package var hits: [SearchHit]

    /// Makes the value.
    package init(conversation: Conversation, hits: [SearchHit]) {
        self.conversation = conversation
        self.hits = hits
    }
}

/// A text in which a search found something.
package struct SearchHit: Hashable, Sendable {
    /// The message; nil for the conversation's title.
    package let message: SearchedMessage?
    /// The words, and what is around them.
    package let snippet: Snippet

    /// Makes the value.
    package init(message: SearchedMessage?, snippet: Snippet) {
        self.message = message
        self.snippet = snippet
    }
}

/// Says which message was searched.
package struct SearchedMessage: Hashable, Sendable {
    package let id: MessageID
    package let role: Message.Role
    package let position: Int

    package init(id: MessageID, role: Message.Role, position: Int) {
        self.id = id
        self.role = role
        self.position = position
    }
}

/// What one step of a search found.
package struct SearchPage: Hashable, Sendable {
    /// The most recently updated conversations first.
    package let results: [SearchResult]
    /// Where to go on; nil when everything was searched. There may be one without any result.
    package let next: SearchPlace?
}

/// How far a search has come: to a message of a conversation, or to a conversation's end.
///
/// Conversations are searched from the most recently updated one on. One that changes while the search goes
/// on may be missed.
package struct SearchPlace: Hashable, Sendable {
    /// When the conversation was updated, which is its place among the others.
    package let updated: Timestamp
    /// The conversation.
    package let id: ConversationID
    /// Messages before this position come next; 0 when there are none, and the next conversation follows.
    package let before: Int

    /// Makes the value.
    package init(updated: Timestamp, id: ConversationID, before: Int) {
        self.updated = updated
        self.id = id
        self.before = before
    }

    /// The end of `conversation`.
    package init(after conversation: Conversation) {
        self.init(updated: conversation.updated, id: conversation.id, before: 0)
    }

    /// Reads ``text`` back, or nil when it is malformed.
    package init?(_ text: some StringProtocol) {
        let fields = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3, let milliseconds = Int64(fields[0]), let before = Int(fields[1]),
            before >= 0, let id = ConversationID(rawValue: String(fields[2]))
        else { return nil }
        self.init(updated: Timestamp(milliseconds: milliseconds), id: id, before: before)
    }

    /// Opaque to clients; safe in a URL.
    package var text: String { "\(updated.milliseconds).\(before).\(id)" }

    /// Whether `conversation` comes after this place's.
    package func isBefore(_ conversation: Conversation) -> Bool {
        updated != conversation.updated
            ? updated > conversation.updated
            : conversation.id.rawValue.utf8.lexicographicallyPrecedes(id.rawValue.utf8)
    }
}
