/// What is done to a store, by the name on the command line. How, is said in `BenchClient`.
enum Workload: String, CaseIterable, Codable, Sendable {
    case append
    case open
    case list
    case turn
    case mixed
    case long
    case hot
    case growth
    case large

    /// What it is, in a line.
    var summary: String {
        switch self {
        case .append: "1 KB joins a running answer: the smallest durable write of a chat"
        case .open: "the newest page of a conversation of 20 messages"
        case .list: "the newest page of a session's conversations"
        case .turn: "a whole turn: prompt, history for the model, flushes of 256 B, end"
        case .mixed: "80 % reading (pages, lists, polls), 20 % appends of 256 B"
        case .long: "turns of one conversation that has 1, 10, 100, 1,000 turns already"
        case .hot: "turns of all clients and hosts in one session, a conversation each"
        case .growth: "a short turn or a page, among 1,000 to 100,000 sessions"
        case .large: "a turn with a prompt of 100 KB and an answer of 100 KB"
        }
    }

    /// What is measured when nobody says what: the rest takes long.
    static let usual: [Workload] = [.append, .open, .list, .turn, .mixed, .hot]

    /// Sizes it is measured at; one that is 0 for a workload that has none.
    func points(sessionsMax: Int, turnsMax: Int) -> [Int] {
        switch self {
        case .long: [1, 10, 100, 1_000].filter { $0 <= turnsMax }
        case .growth: [1_000, 10_000, 100_000].filter { $0 <= sessionsMax }
        default: [0]
        }
    }
}

/// What a latency was measured of.
enum Operation: String, Codable, Sendable, CaseIterable {
    case append
    case open
    case list
    case poll
    case turn
}

/// What the workloads are made of: sizes that nobody needs to change, and those that options change.
struct WorkloadShape: Sendable, Codable, Equatable {
    /// Bytes of one append of the workload `append`.
    var appendBytes = 1_000
    /// Bytes of a prompt.
    var promptBytes = 200
    /// How often a turn flushes text before its end.
    var flushes = 8
    /// Bytes of a flush of a turn.
    var flushBytes = 256
    /// Rest between two flushes, as a model needs; 0 asks for all the store can do.
    var flushIntervalMilliseconds = 0
    /// Turns of a conversation that is opened.
    var openTurns = 10
    /// Conversations of a session that is listed.
    var listConversations = 20
    /// Bytes of prompt and answer of the workload `large`.
    var largeBytes = 100_000
    /// Flushes of the workload `large`.
    var largeFlushes = 4
}
