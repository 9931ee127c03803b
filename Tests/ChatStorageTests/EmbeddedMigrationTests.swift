import ChatCore
import Testing

@testable import ChatStorage

@Suite("The embedded migrations")
struct EmbeddedMigrationTests {
    /// What a task with the first schema alone left behind in the middle of an answer.
    private static let runningAnswer = """
        INSERT INTO session (number, id, created_ms, conversation_count)
            VALUES (1, x'\(id.hexadecimal)', 1, 1);
        INSERT INTO conversation (number, session, id, version, next_position, message_count, running,
            created_ms, updated_ms, title) VALUES (1, 1, 'c', 3, 3, 2, 16777218, 1, 1, 'Hello?');
        INSERT INTO message (number, conversation, id, role, state, version, created_ms, updated_ms, answer,
            text_bytes, text) VALUES (16777217, 1, 'p', 'user', 'complete', 2, 1, 1, 16777218, 6, 'Hello?');
        INSERT INTO message (number, conversation, id, role, state, version, created_ms, updated_ms,
            prompt_id, model, owner_task, owner_host, owner_epoch, text_bytes, text)
            VALUES (16777218, 1, 'a', 'assistant', 'running', 3, 1, 1, 'p', 'demo', 't-1', 'there', 1, 0, '');
        INSERT INTO part VALUES (16777218, 0, 6, 'Hello '), (16777218, 6, 5, 'again');
        """
    private static let id = SessionID(hash: SHA256.hash(Array("migrated".utf8)))

    @Test(
        "an answer that runs while the schema is brought up keeps its text and goes on",
        arguments: EngineUnderTest.allCases)
    func runningAnswerGoesOn(_ tested: EngineUnderTest) async throws {
        let folder = try TemporaryFolder()
        let engine = tested.engine
        try await SQLiteSessionStore.migrate(
            folder: folder.path, shardCount: 1, engine: engine,
            migrations: Array([Migration].embedded.prefix(1)))
        let connection = try await engine.held(ShardFile(0, of: 1, volume: folder.path).path)
        try connection.transaction(.immediate) { try connection.runScript(Self.runningAnswer) }
        try connection.close()

        try await SQLiteSessionStore.migrate(folder: folder.path, shardCount: 1, engine: engine)
        let store = SQLiteSessionStore(folder: folder.path, shardCount: 1, engine: engine, logger: .silent)
        let conversation = try ConversationID(validating: "c")
        let page = try await store.conversation(conversation, of: Self.id, before: nil, limit: 10)
        #expect(page.messages.map(\.text) == ["Hello?", "Hello again"])
        #expect(page.cursor.offset == 11)
        let place = AnswerReference(
            session: Self.id, conversation: conversation, message: try MessageID(validating: "a"))
        let owner = AnswerOwner(task: try TaskID(validating: "t-1"), host: "there", epoch: 1)
        _ = try await store.append(AnswerPart(owner: owner, offset: 11, text: "."), to: place)
        let ended = try await store.finish(
            place, with: AnswerPart(owner: owner, offset: 12, text: ""), end: AnswerEnd(state: .complete),
            at: .now())
        #expect(ended.text == "Hello again.")
        await store.close()
    }
}
