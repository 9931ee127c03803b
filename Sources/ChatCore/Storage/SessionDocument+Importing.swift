// What imports do to a session as a value.
extension SessionDocument {
    /// Whether there is a conversation with this id.
    package func has(_ id: ConversationID) -> Bool { conversations.contains { $0.conversation.id == id } }

    /// Whether a conversation with this id can be added.
    package func isRoom(for id: ConversationID) -> Bool {
        !has(id) && conversations.count < Limits.conversationsPerSessionMax
    }
}

extension ConversationDocument {
    /// A conversation from elsewhere.
    /// - Parameter messages: all of them, at the positions 1, 2, 3 …
    package init(_ imported: ImportedConversation, messages: [Message]) {
        conversation = imported.conversation
        self.messages = messages
        nextPosition = messages.count + 1
        branching = imported.branching
    }
}
