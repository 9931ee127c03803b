/// Taking in conversations from elsewhere, in pieces, each conversation whole or not at all.
///
/// Part of ``SessionStore``, whose general rules hold.
package protocol SessionImporting: Sendable {
    /// Puts messages of a conversation aside, where nobody sees them before they are committed.
    ///
    /// Messages come in ascending order of position, 1, 2, 3 …, without a gap; the same ones again change
    /// nothing. An import that begins, with position 1, forgets what another one of the session had put
    /// aside, so that what a dead task leaves behind is one conversation at most.
    /// - Parameter messages: not empty, none of them running; as many as may be written in one go.
    /// - Throws: ``ChatError/Code/conflict`` when another import of the session has begun since, or a message
    ///   before these is missing; ``ChatError/Code/limitReached`` where a store keeps a session in one piece
    ///   (``Limits/stagedBytesMax``).
    func stageImport(_ messages: [Message], of id: ImportID, in session: SessionID) async throws

    /// Makes a conversation of what was put aside, all of it in one step; the session's version grows.
    /// - Returns: false when there is a conversation with this id: it stays as it is, and what was put aside
    ///   is forgotten. After a call whose end was in doubt, that may be the one which this call made.
    /// - Throws: ``ChatError/Code/limitReached`` past ``Limits/conversationsPerSessionMax``;
    ///   ``ChatError/Code/conflict`` when another import of the session has begun since, or not all messages
    ///   were put aside.
    func commitImport(_ conversation: ImportedConversation, of id: ImportID, in session: SessionID)
        async throws -> Bool

    /// Forgets what was put aside. What does not exist is no error.
    func discardImport(_ id: ImportID, in session: SessionID) async throws
}

/// Names an import of one conversation, while it goes on.
package struct ImportID: ClientChosenID {
    package static let noun = "import"
    package let rawValue: String
    package init(uncheckedRawValue: String) { rawValue = uncheckedRawValue }
}

/// A conversation from elsewhere, without its messages.
package struct ImportedConversation: Hashable, Sendable {
    /// As it will be.
    package let conversation: Conversation
    /// Which of its messages are versions of each other.
    package let branching: Branching?

    /// Makes the value.
    package init(conversation: Conversation, branching: Branching?) {
        self.conversation = conversation
        self.branching = branching
    }
}

extension ChatError {
    /// What an import had put aside is gone.
    package static let importOvertaken = ChatError(
        .conflict, "Another import into this session has begun meanwhile. Import again.")

    /// A session at its limit of conversations.
    package static let sessionFull = ChatError(
        .limitReached, "This session has too many conversations. Delete some first.")
}
