import ChatCore
import ChatStorage
import Synchronization

/// Any ``SessionStore``, called as the server calls it.
final class SessionStoreCandidate: Candidate {
    /// Messages of the newest page, as the page of the product asks for.
    private static let pageMessages = 20
    private static let pageConversations = 50
    /// A call is made again for this long while the store is busy; then it has failed.
    private static let patienceSeconds = 30

    private let store: any SessionStore
    private let presence: TaskPresence?
    private let owner: AnswerOwner
    private let repeated = Atomic(0)

    init(_ store: any SessionStore, presence: TaskPresence? = nil) {
        self.store = store
        self.presence = presence
        let host = Volume.hostName()
        owner = AnswerOwner(task: presence?.task ?? .make(host: host), host: host, epoch: 1)
    }

    var repetitions: Int { repeated.load(ordering: .relaxed) }

    func make(_ place: ConversationReference) async throws {
        let new = try NewConversation(id: place.conversation, title: "Bench")
        _ = try await persist {
            try await self.store.createSession(Session(id: place.session, created: .now()))
        }
        _ = try await persist {
            try await self.store.createConversation(new, in: place.session, at: .now())
        }
    }

    func begin(_ prompt: String, in place: ConversationReference) async throws -> BenchAnswer {
        let turn = try NewTurn(promptID: .random(), text: prompt, model: "bench", owner: owner)
        _ = try await persist {
            try await self.store.beginTurn(turn, in: place.conversation, of: place.session, at: .now())
        }
        return BenchAnswer(place: place, prompt: turn.promptID, answer: turn.answerID)
    }

    func history(before answer: BenchAnswer) async throws -> Int {
        try await persist {
            try await self.store.history(
                endingWith: answer.prompt, in: answer.place.conversation, of: answer.place.session,
                bytesMax: 32_768)
        }.count
    }

    func append(_ text: String, to answer: BenchAnswer) async throws {
        let part = AnswerPart(owner: owner, offset: answer.length, text: text)
        let reference = AnswerReference(answer.place, message: answer.answer)
        _ = try await persist { try await self.store.append(part, to: reference) }
    }

    func finish(_ answer: BenchAnswer, with text: String) async throws {
        let part = AnswerPart(owner: owner, offset: answer.length, text: text)
        let reference = AnswerReference(answer.place, message: answer.answer)
        _ = try await persist {
            try await self.store.finish(reference, with: part, end: AnswerEnd(state: .complete), at: .now())
        }
    }

    func open(_ place: ConversationReference) async throws -> Int {
        try await persist {
            try await self.store.conversation(
                place.conversation, of: place.session, before: nil, limit: Self.pageMessages)
        }.messages.count
    }

    func list(_ session: SessionID) async throws -> Int {
        try await persist {
            try await self.store.conversations(of: session, after: nil, limit: Self.pageConversations)
        }.conversations.count
    }

    func poll(_ place: ConversationReference) async throws {
        _ = try await persist { try await self.store.cursors(of: [place]) }
    }

    func close() async {
        await store.close()
        await presence?.end()
    }

    /// Makes a call again while the store is busy, as clients do.
    private func persist<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        let deadline = ContinuousClock.now + .seconds(Self.patienceSeconds)
        while true {
            do {
                return try await body()
            } catch let error as ChatError
                where (error.code == .busy || error.code == .unavailable) && ContinuousClock.now < deadline
            {
                repeated.add(1, ordering: .relaxed)
                try await Task.sleep(for: .milliseconds(10))
            }
        }
    }
}
