import ChatCore

/// A store as the benchmark sees it: what a chat does with one, in as few verbs as possible, so that a
/// database server can be measured beside the stores of the project.
///
/// Every write is durable when it returns, as far as the store can. Errors of any type count as failures.
protocol Candidate: Sendable {
    /// Makes the session and the conversation; both may be there already.
    func make(_ place: ConversationReference) async throws

    /// Stores a prompt and an empty running answer, together.
    /// - Returns: the answer.
    func begin(_ prompt: String, in place: ConversationReference) async throws -> BenchAnswer

    /// What a model is shown before it answers: the newest messages up to the prompt.
    /// - Returns: how many.
    func history(before answer: BenchAnswer) async throws -> Int

    /// Adds text to a running answer.
    func append(_ text: String, to answer: BenchAnswer) async throws

    /// Adds the last text and ends the answer.
    func finish(_ answer: BenchAnswer, with text: String) async throws

    /// Reads the newest page of a conversation.
    /// - Returns: how many messages it has.
    func open(_ place: ConversationReference) async throws -> Int

    /// Reads the newest page of a session's conversations.
    /// - Returns: how many there are.
    func list(_ session: SessionID) async throws -> Int

    /// How far a conversation has come: what a task asks four times a second for what it shows.
    func poll(_ place: ConversationReference) async throws

    /// How often a call was made again because the store was busy or away, since it was opened.
    var repetitions: Int { get }

    /// Ends everything.
    func close() async
}

/// A running answer, and how much of it is stored.
struct BenchAnswer: Sendable {
    let place: ConversationReference
    let prompt: MessageID
    let answer: MessageID
    /// Bytes.
    var length = 0
}
