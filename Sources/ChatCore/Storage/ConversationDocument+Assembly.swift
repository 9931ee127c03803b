extension ConversationDocument {
    /// A conversation that was kept elsewhere, put together again.
    /// - Parameters:
    ///   - messages: in ascending order of position.
    ///   - nextPosition: the position the next message gets; positions are never used again.
    ///   - isStopRequested: somebody asked the running answer to stop.
    package init(
        _ conversation: Conversation, messages: [Message], nextPosition: Int, branching: Branching?,
        isStopRequested: Bool
    ) {
        self.conversation = conversation
        self.messages = messages
        self.nextPosition = nextPosition
        self.branching = branching
        self.isStopRequested = isStopRequested
    }

    /// The position the next message gets.
    package var positionOfNext: Int { nextPosition }

    /// Somebody asked the running answer to stop.
    package var isAskedToStop: Bool { isStopRequested }
}
