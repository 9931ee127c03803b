/// Keeps sessions, their conversations and messages on behalf of every task of a volume.
///
/// This is the contract; `SessionStoreSuite` in `ChatTesting` is its executable form, and every
/// implementation passes it.
///
/// Of every operation:
/// - **Acknowledged is kept.** When a call returns, its change is durable: it survives the process, and where
///   the medium can, the host. When it throws, nothing was changed, unless the error is
///   ``ChatError/Code/unavailable`` or ``ChatError/Code/busy``: then the change may or may not have been
///   made, and the same call again settles it.
/// - **A retry never duplicates.** Every change names what it makes by an id or an offset that the caller
///   chose; the same call again changes nothing and returns what is stored.
/// - **Any number of tasks** call at once, on any hosts; each call is atomic and sees every call that
///   returned before it began, wherever it was made.
/// - **A session is a wall.** What belongs to another session looks exactly like what does not exist.
/// - **Waits have a deadline** (``Limits/storeWaitMilliseconds``); past it, or when too much waits already,
///   the call throws ``ChatError/Code/busy`` and is safe to repeat.
/// - A session that does not exist throws ``ChatError/Code/unauthorized``, a conversation or message that
///   does not exist in it ``ChatError/Code/notFound``.
/// - After ``close()`` every call throws ``ChatError/Code/unavailable``.
package protocol SessionStore: SessionReading, SessionImporting, SessionRotating {

    // MARK: Sessions

    /// Makes a session. Making one that exists returns the stored one.
    func createSession(_ session: Session) async throws -> Session

    /// - Throws: ``ChatError/Code/unauthorized`` when it does not exist.
    func session(_ id: SessionID) async throws -> Session

    /// Forgets a session and all it owns. Deleting what does not exist is no error.
    func deleteSession(_ id: SessionID) async throws

    // MARK: Conversations

    /// One page of a session's conversations in the order of ``ConversationListCursor/precedes(_:_:)``.
    /// - Parameter limit: 1 to ``Limits/conversationsPageMax``; more is cut to that.
    func conversations(
        of session: SessionID, after cursor: ConversationListCursor?, limit: Int
    ) async throws -> ConversationList

    /// Makes a conversation of version 1. One whose id exists is returned as it is stored, whatever was sent.
    /// - Throws: ``ChatError/Code/limitReached`` past ``Limits/conversationsPerSessionMax``.
    func createConversation(
        _ new: NewConversation, in session: SessionID, at time: Timestamp
    ) async throws -> CreatedConversation

    /// A conversation and its last `limit` messages before `position` (nil: the last of all), in ascending
    /// order: of messages that have alternatives, those that are shown.
    ///
    /// A running answer's text is what was stored so far.
    /// - Parameter limit: 1 to ``Limits/messagesPageMax``; more is cut to that.
    func conversation(
        _ id: ConversationID, of session: SessionID, before position: Int?, limit: Int
    ) async throws -> ConversationPage

    /// Changes title, model, system prompt or pin, or which alternative of a message is shown; the version
    /// grows by one. A patch that changes nothing leaves all as it is, version and time included.
    ///
    /// With a message, what was last said after it is shown as well.
    /// - Throws: ``ChatError/Code/notFound`` when the message to show does not exist;
    ///   ``ChatError/Code/answerRunning`` when another one is shown and its answer runs.
    func updateConversation(
        _ id: ConversationID, of session: SessionID, with patch: ConversationPatch, at time: Timestamp
    ) async throws -> Conversation

    /// Removes a conversation with all its messages; a running answer is fenced. Deleting what does not exist
    /// is no error.
    func deleteConversation(_ id: ConversationID, of session: SessionID) async throws

    /// Removes all messages of a conversation; a running answer is fenced. The version grows by one and
    /// becomes ``Conversation/resetVersion``. Positions are not used again. A conversation without messages
    /// stays as it is.
    func resetConversation(_ id: ConversationID, of session: SessionID, at time: Timestamp) async throws
        -> Conversation

    // MARK: Turns

    /// Stores a prompt as `complete` and its answer as `running`, empty, owned by `turn.owner`; the version
    /// grows by two, the prompt carries the first, the answer the second. An untitled conversation gets
    /// ``NewTurn/suggestedTitle``. They follow what is shown; a prompt that replaces another one takes its
    /// place, and what was said from there on is kept but no longer shown.
    ///
    /// The same prompt id with the same text again returns the stored turn with the newest answer to it, as
    /// repeated, whether it still runs or not.
    /// - Throws: ``ChatError/Code/idTaken`` when a message with that id exists and is not this prompt;
    ///   ``ChatError/Code/answerRunning`` when another answer runs in this conversation;
    ///   ``ChatError/Code/notFound`` when there is no such prompt to replace;
    ///   ``ChatError/Code/limitReached`` past ``Limits/messagesPerConversationMax`` or
    ///   ``Limits/branchesPerConversationMax``.
    func beginTurn(
        _ turn: NewTurn, in conversation: ConversationID, of session: SessionID, at time: Timestamp
    ) async throws -> Turn

    /// Stores one more answer to a prompt as `running`, empty, owned by `retry.owner`, in the place of the
    /// one that is shown; the version grows by one and becomes the answer's.
    ///
    /// The same answer id for the same prompt again returns what is stored, as repeated.
    /// - Throws: ``ChatError/Code/notFound`` when there is no such message; ``ChatError/Code/idTaken`` when
    ///   the id is another message's; otherwise as ``beginTurn(_:in:of:at:)``.
    func retryAnswer(
        _ retry: Retry, in conversation: ConversationID, of session: SessionID, at time: Timestamp
    ) async throws -> Turn

    /// Lets an answer that was cut off go on: it becomes `running` again with its text, owned by the
    /// continuation's task in the next epoch, and parts are appended behind its text. The version grows by
    /// one and becomes the answer's.
    ///
    /// An answer that is past `continuation.version` is returned as it is stored, as repeated: of any number
    /// of calls with one version, one starts it.
    /// - Throws: ``ChatError/Code/notFound`` when there is no such answer; ``ChatError/Code/answerRunning``
    ///   when an answer runs in this conversation; ``ChatError/Code/conflict`` when it is whole or not the
    ///   last message; ``ChatError/Code/limitReached`` when its text is as long as an answer can be;
    ///   ``ChatError/Code/invalid`` for a version it never had.
    func continueAnswer(
        _ continuation: Continuation, in conversation: ConversationID, of session: SessionID,
        at time: Timestamp
    ) async throws -> Turn

    /// Appends text to a running answer. The version stays.
    ///
    /// `part.offset` is the length of what was appended before, in bytes of UTF-8 of reasoning and text
    /// together. Of a part whose beginning is stored already (a repetition, perhaps longer than the first
    /// try) only the rest is appended.
    /// - Returns: whether somebody asked the answer to stop.
    /// - Throws: ``ChatError/Code/fenced`` when the answer is not running any more, is gone (with its
    ///   conversation or session, too), or its owner is not `part.owner` in task and epoch;
    ///   ``ChatError/Code/invalid`` when the offset leaves a gap, the part disagrees with what is stored, or
    ///   has reasoning after the answer's text began.
    func append(_ part: AnswerPart, to answer: AnswerReference) async throws -> AppendReceipt

    /// Appends the last text and ends a running answer; the version grows by one and becomes the answer's.
    /// Usage is added to what the answer had before it went on.
    ///
    /// An answer that this owner already ended in the same state with the same length is returned as it is
    /// stored.
    /// - Throws: as ``append(_:to:)``.
    func finish(
        _ answer: AnswerReference, with part: AnswerPart, end: AnswerEnd, at time: Timestamp
    ) async throws -> Message

    /// Ends a running answer as `interrupted` if `owner` still owns it; its text stays.
    /// - Returns: false when it was not running or not owned by `owner` any more; nothing was changed then.
    func interrupt(_ answer: AnswerReference, ownedBy owner: AnswerOwner, at time: Timestamp) async throws
        -> Bool

    /// Asks the running answer of a conversation to stop; its owner learns it with the next append.
    /// - Parameter answer: only this one; nil: whichever runs. Who may send a request again names it, or the
    ///   second one could stop the answer to the next prompt.
    /// - Returns: the answer asked, or nil when none runs, or another than `answer`; nothing was changed
    ///   then.
    func requestStop(_ answer: MessageID?, in conversation: ConversationID, of session: SessionID)
        async throws -> MessageID?

    /// The messages that lead to `prompt`, in ascending order and ending with it: as many of the newest as
    /// fit into `bytesMax` of text, the prompt in any case. Failed and interrupted answers are among them,
    /// alternatives are not.
    func history(
        endingWith prompt: MessageID, in conversation: ConversationID, of session: SessionID, bytesMax: Int
    ) async throws -> [Message]

    // MARK: Following

    /// How far each of these conversations has come: its version, and the stored length of its running answer
    /// (0 when none runs). What does not exist is left out; an unknown session is no error here.
    ///
    /// The cheapest call there is, made several times a second: one look at each shard concerned, however
    /// many conversations are asked for.
    func cursors(of conversations: Set<ConversationReference>) async throws -> [ConversationReference: Cursor]

    /// What changed in a conversation since `cursor`, or nil when nothing did.
    ///
    /// When other alternatives are shown than at the cursor, ``ConversationChanges/droppedAfter`` says from
    /// where on, and the messages are those that are shown there now, and those that changed before it. When
    /// these are more than `limit`, the answer is the last page of the conversation, as after a reset.
    ///
    /// A cursor from before the last reset, or one the conversation never had (a version beyond its own), is
    /// answered with ``ConversationChanges/isReset`` and everything that there is now.
    /// - Parameter limit: how many messages at most, cut to ``Limits/changesMax``; when more changed, the
    ///   returned cursor stands between them, and the next call goes on from there.
    func changes(
        in conversation: ConversationID, of session: SessionID, since cursor: Cursor, limit: Int
    ) async throws -> ConversationChanges?

    /// How often the conversations of each of these sessions changed: it grows when one is made or deleted,
    /// or when its ``Conversation`` changes in any way, but not with the growth of a running answer. What
    /// does not exist is left out.
    ///
    /// As cheap as ``cursors(of:)``: one look at each shard concerned.
    func sessionVersions(of sessions: Set<SessionID>) async throws -> [SessionID: Int]

    // MARK: Sweeping

    /// In how many parts ``runningAnswers(inPart:limit:)`` looks at the volume.
    var sweepPartsCount: Int { get }

    /// Answers that run, of any session, at most `limit` of them, from one part of the volume. All of them
    /// are found by asking for each part; a store may leave out those that were not written to for a day.
    /// - Parameter part: 0 and up, less than ``sweepPartsCount``.
    func runningAnswers(inPart part: Int, limit: Int) async throws -> [RunningAnswer]

    // MARK: End

    /// Finishes what is under way, refuses what waits, and releases files and locks. Closing twice is no
    /// error.
    func close() async
}

/// Says where a conversation is.
package struct ConversationReference: Hashable, Sendable {
    package let session: SessionID
    package let conversation: ConversationID

    package init(session: SessionID, conversation: ConversationID) {
        self.session = session
        self.conversation = conversation
    }
}

/// Says where an answer is.
package struct AnswerReference: Hashable, Sendable {
    package let session: SessionID
    package let conversation: ConversationID
    package let message: MessageID

    package init(session: SessionID, conversation: ConversationID, message: MessageID) {
        self.session = session
        self.conversation = conversation
        self.message = message
    }
}

/// An answer that runs, and who writes it.
package struct RunningAnswer: Hashable, Sendable {
    package let answer: AnswerReference
    package let owner: AnswerOwner

    package init(answer: AnswerReference, owner: AnswerOwner) {
        self.answer = answer
        self.owner = owner
    }
}

/// A piece of a running answer, by its place.
package struct AnswerPart: Hashable, Sendable {
    /// Who writes; must be the answer's owner in task and epoch.
    package let owner: AnswerOwner
    /// Where it begins: bytes of UTF-8 appended before, reasoning and text together.
    package let offset: Int
    /// What to append; may be empty, which only asks for the receipt.
    package let said: Utterance

    package init(owner: AnswerOwner, offset: Int, said: Utterance) {
        self.owner = owner
        self.offset = offset
        self.said = said
    }

    /// A part without reasoning.
    package init(owner: AnswerOwner, offset: Int, text: String) {
        self.init(owner: owner, offset: offset, said: Utterance(text: text))
    }
}

/// What an append tells its writer.
package struct AppendReceipt: Hashable, Sendable {
    /// Somebody asked the answer to stop.
    package let isStopRequested: Bool

    package init(isStopRequested: Bool) { self.isStopRequested = isStopRequested }
}

/// A conversation that now exists.
package struct CreatedConversation: Hashable, Sendable {
    package let conversation: Conversation
    /// False when it existed before.
    package let isNew: Bool

    package init(conversation: Conversation, isNew: Bool) {
        self.conversation = conversation
        self.isNew = isNew
    }
}

/// A conversation and a page of its messages.
package struct ConversationPage: Hashable, Sendable {
    package let conversation: Conversation
    /// In ascending order of position.
    package let messages: [Message]
    /// The position to ask for the page before this one; nil when this is the first.
    package let earlier: Int?
    /// Everything in this page has been seen with this cursor.
    package let cursor: Cursor

    package init(conversation: Conversation, messages: [Message], earlier: Int?, cursor: Cursor) {
        self.conversation = conversation
        self.messages = messages
        self.earlier = earlier
        self.cursor = cursor
    }
}

/// What changed in a conversation since a cursor.
package struct ConversationChanges: Hashable, Sendable {
    /// The conversation as it is now.
    package let conversation: Conversation
    /// What was seen before is void: drop every message first.
    package let isReset: Bool
    /// What was seen behind this position is void: drop it first. Nil when nothing is, or all.
    package let droppedAfter: Int?
    /// Messages made or changed since, in ascending order of version, or of position when something was
    /// dropped; a running one with all its text so far.
    package let messages: [Message]
    /// When these are the last page only: the position to ask for the page before it.
    package let earlier: Int?
    /// The growth of a running answer that was seen before.
    package let growth: AnswerGrowth?
    /// What has been seen with this.
    package let cursor: Cursor

    package init(
        conversation: Conversation, isReset: Bool, droppedAfter: Int? = nil, messages: [Message],
        earlier: Int? = nil, growth: AnswerGrowth?, cursor: Cursor
    ) {
        self.conversation = conversation
        self.isReset = isReset
        self.droppedAfter = droppedAfter
        self.messages = messages
        self.earlier = earlier
        self.growth = growth
        self.cursor = cursor
    }
}

/// What a running answer gained.
package struct AnswerGrowth: Hashable, Sendable {
    /// The answer.
    package let message: MessageID
    /// Where it begins: bytes of UTF-8 before it, reasoning and text together.
    package let offset: Int
    /// What is new, not empty.
    package let said: Utterance

    package init(message: MessageID, offset: Int, said: Utterance) {
        self.message = message
        self.offset = offset
        self.said = said
    }

    /// A growth without reasoning.
    package init(message: MessageID, offset: Int, text: String) {
        self.init(message: message, offset: offset, said: Utterance(text: text))
    }

    /// Where it ends.
    package var end: Int { offset + said.bytes }
}
