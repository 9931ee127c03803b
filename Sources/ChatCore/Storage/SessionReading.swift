/// Going through all that a session holds, a bounded stretch at a time: for searches and exports.
///
/// Part of ``SessionStore``, whose general rules hold.
package protocol SessionReading: Sendable {
    /// A stretch of the texts that a search looks through: the most recently updated conversations first
    /// (pinned or not; ties by id, descending), and of each the messages that are shown, the newest first. A
    /// running answer's text is what was stored so far.
    ///
    /// The place is that of a conversation as it was; when it changed since, its rest is passed over.
    /// - Parameters:
    ///   - place: ``SearchStretch/next`` of the stretch before; nil begins.
    ///   - bounds: a store may read less.
    /// - Throws: ``ChatError/Code/unauthorized``.
    func texts(of session: SessionID, from place: SearchPlace?, bounds: ReadBounds) async throws
        -> SearchStretch

    /// A stretch of whole conversations, one after the other in the order they are asked for, all messages in
    /// ascending order of position, shown or not, without telling their alternatives. What does not exist
    /// (any more) is left out.
    /// - Parameters:
    ///   - conversations: without repetitions.
    ///   - position: of the first conversation, only messages after it.
    ///   - bounds: a store may read less.
    /// - Throws: ``ChatError/Code/unauthorized``.
    func transcripts(
        of conversations: [ConversationID], in session: SessionID, after position: Int, bounds: ReadBounds
    ) async throws -> TranscriptStretch
}

/// How much one call reads: one item in any case, and no more once a bound is met.
package struct ReadBounds: Hashable, Sendable {
    /// Conversations and messages.
    package var rowsMax: Int
    /// Text, in bytes of UTF-8.
    package var bytesMax: Int

    /// Makes the value.
    package init(rowsMax: Int, bytesMax: Int) {
        self.rowsMax = rowsMax
        self.bytesMax = bytesMax
    }

    /// What one step of a search reads.
    package static let search = ReadBounds(
        rowsMax: Limits.readRowsPerRequestMax, bytesMax: Limits.readBytesPerRequestMax)
    /// What is read in one go where others wait meanwhile.
    package static let batch = ReadBounds(rowsMax: Limits.readRowsMax, bytesMax: Limits.readBytesMax)

    /// The smaller of each.
    package func cut(to other: ReadBounds) -> ReadBounds {
        ReadBounds(rowsMax: min(rowsMax, other.rowsMax), bytesMax: min(bytesMax, other.bytesMax))
    }
}

/// Counts what is read.
package struct ReadMeter: Hashable, Sendable {
    /// What may be read still; not less than nothing.
    package private(set) var rest: ReadBounds

    /// Nothing is read yet.
    package init(_ bounds: ReadBounds) { rest = bounds }

    /// One conversation or message was read.
    package mutating func count(_ bytes: Int) {
        rest.rowsMax = max(0, rest.rowsMax - 1)
        rest.bytesMax = max(0, rest.bytesMax - bytes)
    }

    /// Whether a bound is met.
    package var isSpent: Bool { rest.rowsMax == 0 || rest.bytesMax == 0 }
}

/// See ``SessionReading/texts(of:from:bounds:)``.
package struct SearchStretch: Hashable, Sendable {
    /// A conversation, or a part of one.
    package struct Part: Hashable, Sendable {
        package let conversation: Conversation
        /// Its newer messages, and its title, were in the stretch before.
        package let isContinued: Bool
        /// The newest first.
        package var messages: [Text]

        package init(conversation: Conversation, isContinued: Bool, messages: [Text] = []) {
            self.conversation = conversation
            self.isContinued = isContinued
            self.messages = messages
        }
    }

    /// A message's text.
    package struct Text: Hashable, Sendable {
        package let message: SearchedMessage
        package let text: String

        package init(message: SearchedMessage, text: String) {
            self.message = message
            self.text = text
        }
    }

    /// In the order they are searched.
    package let parts: [Part]
    /// Where the next stretch begins; nil when nothing is left.
    package let next: SearchPlace?

    package init(parts: [Part], next: SearchPlace?) {
        self.parts = parts
        self.next = next
    }
}

/// See ``SessionReading/transcripts(of:in:after:bounds:)``.
package struct TranscriptStretch: Hashable, Sendable {
    /// A conversation, or a part of one.
    package struct Part: Hashable, Sendable {
        /// As it is now, which may be other than in the stretch before.
        package let conversation: Conversation
        /// The last message that is shown.
        package let shown: MessageID?
        /// In ascending order of position.
        package var entries: [Entry]
        /// Whether the last of its messages is among these, or was in a stretch before.
        package var isWhole: Bool

        package init(
            conversation: Conversation, shown: MessageID?, entries: [Entry] = [], isWhole: Bool = false
        ) {
            self.conversation = conversation
            self.shown = shown
            self.entries = entries
            self.isWhole = isWhole
        }
    }

    /// A message and its place.
    package struct Entry: Hashable, Sendable {
        package let message: Message
        /// The message it follows; nil for what begins the conversation.
        package let follows: MessageID?
        /// Whether it is shown.
        package let isShown: Bool

        package init(message: Message, follows: MessageID?, isShown: Bool) {
            self.message = message
            self.follows = follows
            self.isShown = isShown
        }
    }

    /// Where the next stretch begins.
    package struct Place: Hashable, Sendable {
        /// How many of the conversations that were asked for are through.
        package let conversations: Int
        /// The position of the last message that was read of the one after them.
        package let position: Int

        package init(conversations: Int, position: Int) {
            self.conversations = conversations
            self.position = position
        }
    }

    package let parts: [Part]
    /// Nil when all that was asked for is through.
    package let next: Place?

    package init(parts: [Part], next: Place?) {
        self.parts = parts
        self.next = next
    }
}
