import CSQLite
import ChatCore
import Testing

@testable import ChatStorage

@Suite("What SQLiteSessionStore costs")
struct SQLiteSessionStoreCostTests {
    private let folder: TemporaryFolder
    private let connection: Connection
    private let session = Session(id: SessionKey().sessionID, created: .now())

    init() async throws {
        folder = try TemporaryFolder()
        try await SQLiteSessionStore.migrate(folder: folder.path, shardCount: 1, engine: PortableEngine())
        connection = try PortableEngine().open(
            path: folder.path + "/shards/00/sessions.db", access: .readWrite)
        _ = try SessionTable(connection).create(session)
    }

    private static let queries = [
        ConversationTable.findSQL, ConversationTable.listSQL, ConversationTable.listAfterSQL,
        ConversationTable.cursorSQL,
        MessageTable.findSQL, MessageTable.numberSQL, MessageTable.pageSQL, MessageTable.rangeSQL,
        MessageTable.changesSQL,
        MessageTable.lengthsSQL, MessageTable.partsSQL, MessageTable.partsFromSQL, MessageTable.lengthSQL,
        MessageTable.idSQL, AnswerTable.existsSQL, AnswerTable.ownedSQL, BranchTable.listSQL,
        BranchTable.removeSQL, AnswerTable.runningSQL, SessionTable.versionSQL,
        ReadingTables.newestSQL, ReadingTables.textsSQL, ReadingTables.transcriptSQL,
        ConversationTable.existsSQL, ImportTables.stagedSQL, AnswerTable.runningOfSQL, SessionTable.runsSQL,
        SessionTable.rotateSQL,
        "UPDATE message SET answer = ? WHERE conversation = ? AND id = ?",
        "DELETE FROM session WHERE id = ?", "DELETE FROM conversation WHERE session = ? AND id = ?",
        "DELETE FROM message WHERE conversation = ?", "DELETE FROM part WHERE message = ?",
    ]

    @Test("every query finds its rows by an index: no table is scanned, nothing sorted", arguments: queries)
    func noScans(sql: String) throws {
        let plan = try connection.withStatement("EXPLAIN QUERY PLAN " + sql) {
            statement throws(SQLiteError) in
            var lines: [String] = []
            while try statement.step() { lines.append(try statement.text(3)) }
            return lines
        }
        #expect(!plan.isEmpty)
        for line in plan {
            #expect(
                !line.contains("SCAN") && !line.contains("TEMP B-TREE") && !line.contains("AUTOMATIC"),
                "\(plan)")
        }
    }

    /// Pages that one turn (begin, two appends, end) writes, each step in a transaction of its own.
    private func pagesWritten(byTurn number: Int, in conversation: ConversationID) throws -> Int {
        var before: Int32 = 0, after: Int32 = 0, unused: Int32 = 0
        sqlite3_db_status(connection.handle, SQLITE_DBSTATUS_CACHE_WRITE, &before, &unused, 0)
        let owner = AnswerOwner(task: .make(host: "test"), host: "test", epoch: 1)
        let turn = try NewTurn(
            promptID: .random(), text: String(repeating: "question ", count: 20), model: "demo", owner: owner)
        let time = Timestamp(milliseconds: Int64(number))
        let table = AnswerTable(connection)
        try connection.transaction(.immediate) {
            _ = try table.begin(turn, in: conversation, of: session.id, at: time)
        }
        let place = AnswerReference(session: session.id, conversation: conversation, message: turn.answerID)
        let piece = String(repeating: "answer ", count: 100)
        for index in 0..<2 {
            let part = AnswerPart(owner: owner, offset: index * piece.utf8.count, text: piece)
            try connection.transaction(.immediate) { _ = try table.append(part, to: place) }
        }
        let last = AnswerPart(owner: owner, offset: 2 * piece.utf8.count, text: "end")
        try connection.transaction(.immediate) {
            _ = try table.finish(place, with: last, end: AnswerEnd(state: .complete), at: time)
        }
        sqlite3_db_status(connection.handle, SQLITE_DBSTATUS_CACHE_WRITE, &after, &unused, 0)
        return Int(after - before)
    }

    @Test("the thousandth turn of a conversation writes as many pages as the first ones")
    func flatCost() async throws {
        // The subject is how many pages are written, not how they reach the disk.
        try connection.run("PRAGMA synchronous = OFF")
        let id = ConversationID.random()
        let new = try NewConversation(id: id)
        try connection.transaction(.immediate) {
            _ = try ConversationTable(connection).create(new, in: session.id, at: .now())
        }
        var pages: [Int] = []
        for number in 0..<1_000 {
            pages.append(try pagesWritten(byTurn: number, in: id))
            await Task.yield()
        }
        let early = Double(pages[10..<110].reduce(0, +)) / 100
        let late = Double(pages[900..<1_000].reduce(0, +)) / 100
        print("pages written a turn: \(early) early, \(late) late, most \(pages.max() ?? 0)")
        #expect(late <= early * 1.25, "\(early) early, \(late) late")
        #expect(late < 27)
    }
}
