/// A message as it comes in, before anything of it was checked against the others.
package struct ImportedMessage: Hashable, Sendable {
    package var id: MessageID
    /// The message before it; nil for what begins the conversation.
    package var follows: MessageID?
    package var role: Message.Role
    package var text: String
    package var reasoning = ""
    package var state: Message.State
    package var model: String?
    package var stopReason: String?
    package var failure: Message.Failure?
    package var usage: Message.Usage?
    package var host: String?
    package var created: Timestamp
    package var updated: Timestamp

    /// A message that is whole.
    package init(
        id: MessageID, follows: MessageID?, role: Message.Role, text: String,
        state: Message.State = .complete, created: Timestamp, updated: Timestamp
    ) {
        self.id = id
        self.follows = follows
        self.role = role
        self.text = text
        self.state = state
        self.created = created
        self.updated = updated
    }
}

/// What is wrong with something that comes in: the field, and why. Holds nothing of its content.
package struct ImportFault: Error, Hashable, Sendable {
    /// ``ChatError/Code/invalid``, ``ChatError/Code/tooLarge`` or ``ChatError/Code/limitReached``.
    package let code: ChatError.Code
    /// The field, within what is checked; empty for the whole.
    package let field: String
    /// What is wrong, to be read after the field's name.
    package let reason: String

    /// Makes the value.
    package init(_ field: String, _ reason: String, code: ChatError.Code = .invalid) {
        self.code = code
        self.field = field
        self.reason = reason
    }
}
