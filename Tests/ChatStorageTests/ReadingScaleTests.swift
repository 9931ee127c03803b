import ChatCore
import ChatTesting
import Foundation
import Logging
import Testing

@testable import ChatStorage

/// A session as full as one can be. What one call does is bounded, however much there is; counted, not timed.
@Suite("A session of 2,000 conversations")
struct ReadingScaleTests {
    private let folder: TemporaryFolder
    private let store: SQLiteSessionStore
    private let session = SessionKey().sessionID
    private static let conversationsCount = Limits.conversationsPerSessionMax
    private static let longCount = 2_000

    init() async throws {
        folder = try TemporaryFolder()
        let engine = VolumeEngine()
        try await SQLiteSessionStore.migrate(folder: folder.path, shardCount: 1, engine: engine)
        store = SQLiteSessionStore(
            folder: folder.path, shardCount: 1, engine: engine, logger: Logger(label: "test"))
        _ = try await store.createSession(Session(id: session, created: .now()))
    }

    /// Imports a conversation of turns, each answer of about 1 KB.
    private func fill(_ number: Int, messages count: Int) async throws {
        var checked = ConversationImport()
        var last: MessageID?
        var batch: [Message] = []
        let id = ImportID.random()
        for index in 0..<count {
            let isAnswer = index % 2 == 1
            var message = ImportedMessage(
                id: MessageID(uncheckedRawValue: "m\(index)"), follows: last,
                role: isAnswer ? .assistant : .user,
                text: isAnswer
                    ? String(repeating: "lorem ipsum ", count: 80) : "question \(index) of \(number)",
                created: Timestamp(milliseconds: 1), updated: Timestamp(milliseconds: 1))
            if index == count - 2, number % 100 == 0 { message.text = "the NÉEDLE of \(number)" }
            last = message.id
            batch.append(try checked.add(message))
            if batch.count == Limits.readRowsMax {
                try await store.stageImport(batch, of: id, in: session)
                batch = []
            }
        }
        if !batch.isEmpty { try await store.stageImport(batch, of: id, in: session) }
        let conversation = Conversation(
            id: ConversationID(uncheckedRawValue: "c\(number)"), title: "conversation \(number)",
            isPinned: number % 7 == 0, created: Timestamp(milliseconds: 1),
            updated: Timestamp(milliseconds: Int64(1 + number)))
        let whole = try checked.conversation(conversation, shown: last)
        #expect(try await store.commitImport(whole, of: id, in: session))
    }

    @Test(
        "search and export read it in bounded stretches, and the list costs what it did",
        .timeLimit(.minutes(5)))
    func stretches() async throws {
        for number in 0..<Self.conversationsCount - 1 { try await fill(number, messages: 4) }
        try await fill(Self.conversationsCount - 1, messages: Self.longCount)
        let onlyOne = ImportedConversation(
            conversation: Conversation(
                id: .random(), created: Timestamp(milliseconds: 1), updated: Timestamp(milliseconds: 1)),
            branching: nil)
        await expectError(.limitReached) {
            try await store.commitImport(onlyOne, of: .random(), in: session)
        }

        // Every stretch of a search.
        var rows = 0, bytes = 0, rowsMost = 0, bytesMost = 0, stretches = 0
        var place: SearchPlace?
        repeat {
            let stretch = try await store.texts(of: session, from: place, bounds: .search)
            let read = stretch.parts.reduce(0) { $0 + $1.messages.count + ($1.isContinued ? 0 : 1) }
            let size = stretch.parts.reduce(0) { $0 + $1.messages.reduce(0) { $0 + $1.text.utf8.count } }
            (rows, bytes, stretches) = (rows + read, bytes + size, stretches + 1)
            (rowsMost, bytesMost) = (max(rowsMost, read), max(bytesMost, size))
            place = stretch.next
        } while place != nil
        let expected = Self.conversationsCount + (Self.conversationsCount - 1) * 4 + Self.longCount
        #expect(rows == expected)
        #expect(rowsMost <= Limits.readRowsMax)
        #expect(bytesMost <= Limits.readBytesMax + 1_024)
        #expect(stretches <= rows / Limits.readRowsMax + bytes / Limits.readBytesMax + 2)
        print("searching \(rows) rows, \(bytes) bytes: \(stretches) stretches of at most \(rowsMost) rows")

        // Steps of a search with their results.
        var found: [SearchResult] = []
        var steps = 0
        place = nil
        repeat {
            let page = try await Search(try SearchQuery("needle"), limit: 50).page(
                of: session, from: place, in: store)
            found += page.results
            place = page.next
            steps += 1
        } while place != nil
        #expect(found.count == Self.conversationsCount / 100)
        #expect(steps <= rows / Limits.readRowsPerRequestMax + bytes / Limits.readBytesPerRequestMax + 2)

        // Every stretch of an export.
        var rest = (0..<Self.conversationsCount).map { ConversationID(uncheckedRawValue: "c\($0)") }
        var position = 0, exported = 0, calls = 0
        while !rest.isEmpty {
            let stretch = try await store.transcripts(
                of: rest, in: session, after: position, bounds: .batch)
            let read = stretch.parts.reduce(0) { $0 + $1.entries.count }
            #expect(read <= Limits.readRowsMax)
            (exported, calls) = (exported + read, calls + 1)
            guard let next = stretch.next else { break }
            rest.removeFirst(next.conversations)
            position = next.position
        }
        #expect(exported == expected - Self.conversationsCount)
        print("exporting \(exported) messages: \(calls) calls; a search in \(steps) steps")
        await store.close()
    }
}
