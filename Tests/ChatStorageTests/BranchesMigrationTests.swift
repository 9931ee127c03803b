import ChatCore
import Logging
import Testing

@testable import ChatStorage
@testable import ChatTesting

@Suite("Alternatives on a volume that is older than they are")
struct BranchesMigrationTests {
    @Test("what was there is read as before, and can be asked for again")
    func olderVolume() async throws {
        let folder = try TemporaryFolder()
        let first = Array([Migration].embedded.prefix(1))
        try await SQLiteSessionStore.migrate(
            folder: folder.path, shardCount: 1, engine: PortableEngine(), migrations: first)
        let session = Session(id: SessionKey().sessionID, created: at(1))
        let shard = folder.path + "/shards/00/sessions.db"
        let connection = try PortableEngine().open(path: shard, access: .readWrite)
        _ = try SessionTable(connection).create(session)
        try connection.runScript(
            """
            INSERT INTO conversation (number, session, id, version, next_position, message_count,
                created_ms, updated_ms, title) VALUES (1, 1, 'talk', 4, 3, 2, 5, 6, 'Old');
            INSERT INTO message (number, conversation, id, role, state, version, created_ms, updated_ms,
                answer, text_bytes, text)
                VALUES (16777217, 1, 'p', 'user', 'complete', 2, 5, 5, 16777218, 2, 'Hi');
            INSERT INTO message (number, conversation, id, role, state, version, created_ms, updated_ms,
                prompt_id, model, owner_task, owner_host, owner_epoch, text_bytes, text)
                VALUES (16777218, 1, 'a', 'assistant', 'complete', 4, 5, 6, 'p', 'demo', 't', 'h', 1, 3,
                    'one');
            """)
        try connection.close()
        try await SQLiteSessionStore.migrate(folder: folder.path, shardCount: 1, engine: PortableEngine())
        let store = SQLiteSessionStore(
            folder: folder.path, shardCount: 1, engine: PortableEngine(), logger: Logger(label: "test"))
        let talk = try ConversationID(validating: "talk")
        let page = try await store.conversation(talk, of: session.id, before: nil, limit: 10)
        #expect(page.messages.map(\.text) == ["Hi", "one"])
        #expect(page.messages.flatMap(\.alternatives).isEmpty)
        let owner = AnswerOwner(task: .random(), host: "here", epoch: 1)
        let retry = try Retry(of: page.messages[1].id, answerID: .random(), model: "demo", owner: owner)
        let turn = try await store.retryAnswer(retry, in: talk, of: session.id, at: at(9))
        #expect(turn.answer.alternatives == [page.messages[1].id, retry.answerID])
        await store.close()
    }
}
