/// Every bound of the domain, with its unit in its name.
///
/// A bound is part of the contract: one past it is refused with ``ChatError/Code/tooLarge`` or
/// ``ChatError/Code/limitReached``, and nothing is changed.
package enum Limits {
    /// The longest prompt, in bytes of UTF-8.
    package static let promptBytesMax = 256 * 1024
    /// The longest answer kept, in bytes of UTF-8; a longer one ends with the stop reason `length`.
    package static let answerBytesMax = 1024 * 1024
    /// What a model thought aloud is kept up to this length, in bytes of UTF-8; more is left out.
    package static let reasoningBytesMax = 256 * 1024
    /// The longest title of a conversation, in bytes of UTF-8.
    package static let titleBytesMax = 512
    /// The longest system prompt, in bytes of UTF-8.
    package static let systemPromptBytesMax = 32 * 1024
    /// The longest model id, in bytes of UTF-8 (a Bedrock inference profile's ARN fits).
    package static let modelIDBytesMax = 512
    /// Characters of an id that a client makes.
    package static let idCharactersMax = 64
    /// Conversations one session may own.
    package static let conversationsPerSessionMax = 2_000
    /// Messages one conversation may hold.
    package static let messagesPerConversationMax = 10_000
    /// Places in one conversation where something was said anew.
    package static let branchesPerConversationMax = 1_000
    /// Conversations in one page of a list.
    package static let conversationsPageMax = 100
    /// Messages in one page of a conversation.
    package static let messagesPageMax = 100
    /// What is searched for, in bytes of UTF-8.
    package static let searchQueryBytesMax = 512
    /// Words of a search.
    package static let searchWordsMax = 16
    /// Conversations found in one step of a search.
    package static let searchPageMax = 50
    /// Hits told of one conversation.
    package static let searchHitsPerConversationMax = 5
    /// The longest snippet of a message, in Unicode scalars.
    package static let snippetScalarsMax = 200
    /// Conversations and messages read by one request that goes through a session: a search goes on from
    /// there with the next one.
    package static let readRowsPerRequestMax = 4_000
    /// Text read by such a request, in bytes of UTF-8.
    package static let readBytesPerRequestMax = 4 * 1024 * 1024
    /// Conversations and messages read in one go from a database, while its other readers wait.
    package static let readRowsMax = 250
    /// Text read in one go from a database, in bytes of UTF-8; one message in any case.
    package static let readBytesMax = 256 * 1024
    /// Text of one conversation that an import may hold in memory, in bytes of UTF-8: for stores that rewrite
    /// a whole session with each change, and take no larger one.
    package static let stagedBytesMax = 64 * 1024 * 1024
    /// A label of a provider's or a host's that comes in with an import, in bytes of UTF-8.
    package static let importedLabelBytesMax = 4 * 1024
    /// Tokens that an answer may say it took when it comes in.
    package static let importedTokensMax = 1_000_000_000
    /// The last moment that may come in, in milliseconds since 1970: the end of the year 9999.
    package static let importedMillisecondsMax: Int64 = 253_402_300_799_999
    /// Messages handed out by one call of ``SessionStore/changes(in:of:since:limit:)``.
    package static let changesMax = 50

    /// Deltas wait in memory at most this long before they are appended to the store.
    package static let flushIntervalMilliseconds = 250
    /// Text is shown only while the oldest that is not stored has waited for fewer flush intervals than this:
    /// a reader has seen at most half a second of what a dead task takes with it.
    package static let unstoredFlushesMax = 2
    /// Deltas wait in memory only up to this many bytes of UTF-8 before they are appended to the store.
    package static let flushBytes = 2 * 1024
    /// A reader is woken at most this often by a growing answer: 20 times a second.
    package static let deltaIntervalMilliseconds = 50
    /// How often a task looks for changes that other tasks made to a conversation somebody reads here.
    package static let probeIntervalMilliseconds = 250
    /// How often a task looks for changes that other tasks made to a session somebody follows here.
    package static let sessionProbeIntervalMilliseconds = 500
    /// Conversations of a session that are followed: the newest ones.
    package static let followedConversationsMax = 50
    /// How often a task looks whether the tasks are alive whose running answers are read here.
    package static let livenessIntervalMilliseconds = 1_000
    /// How long after its start a task looks for the first time for answers that dead tasks left behind.
    package static let sweepDelayMilliseconds = 2_000
    /// The rest between two parts of such a look.
    package static let sweepPauseMilliseconds = 500
    /// The rest between two such looks.
    package static let sweepIntervalMilliseconds = 60_000
    /// Answers looked at in one part; more have to wait for the next look.
    package static let sweptAnswersMax = 1_000
    /// How often an event stream says that it is still there; load balancers cut at 60 s of silence.
    package static let heartbeatMilliseconds = 10_000
    /// How long one operation of a store may wait for its turn before it ends as ``ChatError/Code/busy``.
    package static let storeWaitMilliseconds = 5_000
    /// How often a turn tries to store its end again when the store was busy or away.
    package static let finishAttemptsMax = 60
    /// Text of a conversation that is read to ask a model, in bytes of UTF-8; the model's window cuts
    /// further.
    package static let historyBytesMax = 2 * 1024 * 1024
    /// How long an answer waits for the one before it in its conversation to have closed its model.
    package static let predecessorWaitMilliseconds = 5_000
    /// Answers of one session that may run on one task at once, unless the operator says otherwise.
    package static let runningAnswersPerSessionMax = 8
    /// Answers that may run on one task at once, unless the operator says otherwise.
    package static let runningAnswersPerTaskMax = 256
}
