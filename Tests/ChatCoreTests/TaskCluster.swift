import ChatCore
import ChatTesting
import Synchronization
import Testing

/// Some tasks on one store, with one session and one conversation.
struct TaskCluster: Sendable {
    let tasks: [ChatTask]
    let liveness: ScriptedLiveness
    let conversation: ConversationReference

    @discardableResult
    func begin(on task: Int, _ text: String, id: MessageID = .random()) async throws -> Turn {
        try await tasks[task].beginTurn(promptID: id, text: text, model: nil, in: conversation)
    }

    /// Lets the last answer go on, as a page does that shows it.
    @discardableResult
    func goOn(on task: Int) async throws -> Turn {
        let page = try await tasks[task].page(of: conversation, before: nil, limit: 1)
        let answer = try #require(page.messages.last)
        return try await tasks[task].continueAnswer(answer.id, version: answer.version, in: conversation)
    }

    /// What a reader saw of an answer: its last text, and the pieces put together.
    struct Seen {
        var message: Message
        var whole: String
        var text: String { message.text }
    }

    /// Follows the conversation until its newest answer is in `state`.
    func read(on task: Int, until state: Message.State) async throws -> Seen {
        try await tasks[task].withReader(of: conversation, from: .start) { reader in
            var whole = ""
            while true {
                switch try await reader.next() {
                case .changes(let changes):
                    if let growth = changes.growth { whole += growth.text }
                    guard let answer = changes.messages.last(where: { $0.role == .assistant }) else {
                        continue
                    }
                    if answer.state == .running { whole = answer.text }
                    if answer.state == state {
                        // The end carries the whole text; before it, pieces may be missing, but never wrong.
                        #expect(answer.text.hasPrefix(whole))
                        return Seen(message: answer, whole: whole + answer.text.dropFirst(whole.count))
                    }
                case .growth(let growth, let text):
                    #expect(growth.offset == whole.utf8.count)
                    whole += growth.text
                    #expect(whole == text)
                case .beat: continue
                case .gone, .leaving: throw ChatError.closed
                }
            }
        }
    }

    /// Follows the conversation until its newest answer's text is at least as long as `text`.
    func read(on task: Int, untilText text: String) async throws -> String {
        try await tasks[task].withReader(of: conversation, from: .start) { reader in
            var whole = ""
            while whole.utf8.count < text.utf8.count {
                switch try await reader.next() {
                case .changes(let changes):
                    if let answer = changes.messages.last(where: { $0.role == .assistant }) {
                        whole = answer.text
                    }
                    if let growth = changes.growth { whole += growth.text }
                case .growth(_, let text): whole = text
                case .beat: continue
                case .gone, .leaving: throw ChatError.closed
                }
            }
            return whole
        }
    }

    /// What a reader who comes now is shown of the running answer before anything else happens.
    func shown(on task: Int) async throws -> String {
        try await tasks[task].withReader(of: conversation, from: .start) { reader in
            guard case .changes(let changes) = try await reader.next() else { return "" }
            let stored = changes.messages.last?.text ?? ""
            let next = Task { [reader] in
                var reader = reader
                guard case .growth(_, let whole) = try await reader.next() else { return stored }
                return whole
            }
            try await Task.sleep(for: .milliseconds(300))
            next.cancel()
            return (try? await next.value) ?? stored
        }
    }

    /// Whether a reader is sent to another task.
    func isSentAway(on task: Int) async throws -> Bool {
        try await tasks[task].withReader(of: conversation, from: .start) { reader in
            while true {
                if case .leaving = try await reader.next() { return true }
            }
        }
    }

    func readUntilGone(on task: Int) async throws {
        try await tasks[task].withReader(of: conversation, from: .start) { reader in
            while true {
                do {
                    if case .gone = try await reader.next() { return }
                } catch let error as ChatError where error.code == .notFound {
                    return
                }
            }
        }
    }

    func waitUntilStored(
        _ state: Message.State, text: String, isTextAwaited: Bool = false
    ) async throws {
        while true {
            let page = try await tasks[0].store.conversation(
                conversation.conversation, of: conversation.session, before: nil, limit: 1)
            if let answer = page.messages.last, answer.state == state,
                !isTextAwaited || answer.text == text
            {
                #expect(answer.text == text)
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    func waitUntilIdle(on task: Int) async throws {
        while tasks[task].runningAnswerCount > 0 { try await Task.sleep(for: .milliseconds(10)) }
    }
}

/// Says who lives, as the test wants it.
final class ScriptedLiveness: TaskLiveness {
    private let dead = Mutex<Set<TaskID>>([])
    func kill(_ task: TaskID) { dead.withLock { _ = $0.insert(task) } }
    func isAlive(_ task: TaskID) async throws -> Bool { dead.withLock { !$0.contains(task) } }
}

/// Runs `body` with `count` tasks on one store; they have left when this returns.
func withTasks(
    _ model: any LanguageModel, count: Int = 1, drain: Duration = .zero,
    store: any SessionStore = MemorySessionStore(), answerLimits: AnswerLimits = AnswerLimits(),
    _ body: @Sendable (TaskCluster) async throws -> Void
) async throws {
    let liveness = ScriptedLiveness()
    let catalogue = try ModelCatalogue([model])
    let session = try await store.createSession(Session(id: SessionKey().sessionID, created: .now()))
    let conversation = try await store.createConversation(
        NewConversation(id: .random()), in: session.id, at: .now()
    ).conversation
    let tasks = (0..<count).map {
        ChatTask(
            id: .make(host: "host\($0)"), host: "host\($0)", store: store, catalogue: catalogue,
            liveness: liveness, answerLimits: answerLimits)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
        for task in tasks { group.addTask { await task.run(drain: drain) } }
        try await body(
            TaskCluster(
                tasks: tasks, liveness: liveness,
                conversation: ConversationReference(session: session.id, conversation: conversation.id)))
        for task in tasks { task.leave() }
        try await group.waitForAll()
    }
}
