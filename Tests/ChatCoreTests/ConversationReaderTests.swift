@testable import ChatCore
import ChatTesting
import Testing

@Suite("A reader whose task is behind the store", .timeLimit(.minutes(5)))
struct ConversationReaderTests {
    private let store = MemorySessionStore()
    private let feed = ConversationFeed()
    private let owner = AnswerOwner(task: .make(host: "other"), host: "other", epoch: 1)

    /// A conversation with a running answer that another task writes, and that this task's feed knows of.
    private func begin() async throws -> (ConversationReference, Turn) {
        let session = try await store.createSession(Session(id: SessionKey().sessionID, created: .now()))
        let conversation = try await store.createConversation(
            NewConversation(id: .random()), in: session.id, at: .now()
        ).conversation
        let reference = ConversationReference(session: session.id, conversation: conversation.id)
        let turn = try await ask("first", in: reference)
        feed.setRunning(
            ConversationFeed.RunningText(
                message: turn.answer.id, version: turn.answer.version, owner: owner, said: "shown"),
            at: turn.conversation.version)
        feed.advance(to: turn.conversation.version)
        return (reference, turn)
    }

    private func ask(_ text: String, in conversation: ConversationReference) async throws -> Turn {
        try await store.beginTurn(
            NewTurn(promptID: .random(), text: text, model: "m", answerID: .random(), owner: owner),
            in: conversation.conversation, of: conversation.session, at: .now())
    }

    private func finish(_ turn: Turn, in conversation: ConversationReference) async throws {
        _ = try await store.finish(
            AnswerReference(conversation, message: turn.answer.id),
            with: AnswerPart(owner: owner, offset: 0, text: "shown"), end: AnswerEnd(state: .complete),
            at: .now())
    }

    @Test("text of an answer whose end was handed out does not follow it")
    func ended() async throws {
        let (conversation, turn) = try await begin()
        try await finish(turn, in: conversation)
        var reader = ConversationReader(
            of: conversation, from: Cursor(version: turn.conversation.version, offset: 5), store: store,
            feed: feed)
        guard case .changes(let changes) = try await reader.next() else {
            Issue.record("the end was not handed out")
            return
        }
        #expect(changes.messages.last?.state == .complete)
        feed.beat()
        guard case .beat = try await reader.next() else {
            Issue.record("something followed the end")
            return
        }
    }

    @Test("text of an answer is not taken for that of the one that began since")
    func followed() async throws {
        let (conversation, turn) = try await begin()
        try await finish(turn, in: conversation)
        let next = try await ask("second", in: conversation)
        var reader = ConversationReader(
            of: conversation, from: Cursor(version: turn.conversation.version, offset: 5), store: store,
            feed: feed)
        guard case .changes(let changes) = try await reader.next() else {
            Issue.record("the changes were not handed out")
            return
        }
        #expect(changes.messages.last?.id == next.answer.id)
        feed.beat()
        guard case .beat = try await reader.next() else {
            Issue.record("something followed the new answer's begin")
            return
        }
    }

    @Test("an answer goes on when the conversation's version was confirmed after another change")
    func confirmed() async throws {
        let (conversation, turn) = try await begin()
        let changed = try await store.updateConversation(
            conversation.conversation, of: conversation.session, with: ConversationPatch(title: "new"),
            at: .now())
        var reader = ConversationReader(
            of: conversation, from: Cursor(version: turn.conversation.version, offset: 2), store: store,
            feed: feed)
        guard case .changes = try await reader.next() else {
            Issue.record("the new title was not handed out")
            return
        }
        feed.confirmRunning(at: changed.version)
        guard case .growth(let growth, _) = try await reader.next() else {
            Issue.record("the answer does not go on")
            return
        }
        #expect(growth.text == "own")
    }
}
