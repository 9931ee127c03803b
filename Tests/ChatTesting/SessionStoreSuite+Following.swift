import ChatCore
import Testing

extension SessionStoreSuite {
    static let followingClauses: [Clause] = [
        Clause("the cursor tells the version and the running answer's length in bytes") { f in
            let id = try await f.conversation()
            #expect(try await f.cursor(id) == Cursor(version: 1, offset: 0))
            let place = f.place(try await f.begin(in: id).answer.id, id)
            #expect(try await f.cursor(id) == Cursor(version: 3, offset: 0))
            _ = try await f.store.append(f.part(0, "äb"), to: place)
            #expect(try await f.cursor(id) == Cursor(version: 3, offset: 3))
            #expect(try await f.page(id).cursor == Cursor(version: 3, offset: 3))
            _ = try await f.store.finish(
                place, with: f.part(3, "c"), end: AnswerEnd(state: .complete), at: at(30))
            #expect(try await f.cursor(id) == Cursor(version: 4, offset: 0))
            #expect(try await f.page(id).cursor == Cursor(version: 4, offset: 0))
        },
        Clause("cursors of many conversations come at once; what does not exist is left out") { f in
            let stranger = try await f.stranger()
            let mine = try await (0..<3).asyncMap { _ in f.reference(try await f.conversation()) }
            let new = try NewConversation(id: mine[0].conversation)
            _ = try await f.store.createConversation(new, in: stranger, at: at(1))
            try await f.begin(in: mine[1].conversation)
            let theirs = ConversationReference(session: stranger, conversation: mine[0].conversation)
            let missing = [
                f.reference(.random()),
                ConversationReference(session: stranger, conversation: mine[1].conversation),
                ConversationReference(session: SessionKey().sessionID, conversation: mine[1].conversation),
            ]
            let cursors = try await f.other.cursors(of: Set(mine + [theirs] + missing))
            let start = Cursor(version: 1, offset: 0)
            #expect(
                cursors == [
                    mine[0]: start, mine[1]: Cursor(version: 3, offset: 0), mine[2]: start, theirs: start,
                ])
            #expect(try await f.store.cursors(of: []).isEmpty)
        },
        Clause("nothing changed since the cursor of a page, and since what changes returned") { f in
            let id = try await f.conversation()
            #expect(try await f.changes(id, since: try await f.page(id).cursor) == nil)
            let place = f.place(try await f.begin(in: id).answer.id, id)
            _ = try await f.store.append(f.part(0, "abc"), to: place)
            #expect(try await f.changes(id, since: try await f.page(id).cursor) == nil)
            let all = try #require(try await f.changes(id, since: .start))
            #expect(
                all.isReset == false && all.messages.map(\.text) == ["Hello?", "abc"] && all.growth == nil)
            #expect(all.cursor == Cursor(version: 3, offset: 3))
            #expect(try await f.changes(id, since: all.cursor) == nil)
        },
        Clause("a running answer that was seen grows by what is new only") { f in
            let id = try await f.conversation()
            let turn = try await f.begin(in: id)
            let place = f.place(turn.answer.id, id)
            var cursor = try await f.page(id).cursor
            for (offset, text) in [(0, "Yes"), (3, ", "), (5, "ä😀")] {
                _ = try await f.store.append(f.part(offset, text), to: place)
                let changes = try #require(try await f.changes(id, since: cursor))
                #expect(changes.messages.isEmpty && changes.isReset == false)
                #expect(changes.growth == AnswerGrowth(message: turn.answer.id, offset: offset, text: text))
                cursor = changes.cursor
                #expect(cursor == Cursor(version: 3, offset: offset + text.utf8.count))
            }
            _ = try await f.store.finish(
                place, with: f.part(11, "!"), end: AnswerEnd(state: .complete), at: at(30))
            let end = try #require(try await f.changes(id, since: cursor))
            #expect(end.messages.map(\.text) == ["Yes, ä😀!"] && end.growth == nil)
            #expect(end.cursor == Cursor(version: 4, offset: 0) && end.conversation.runningAnswer == nil)
            #expect(try await f.changes(id, since: end.cursor) == nil)
        },
        Clause("a change of the conversation alone is a change without messages") { f in
            let id = try await f.conversation()
            try await f.begin(in: id, answer: "Yes.")
            let cursor = try await f.page(id).cursor
            let patch = try ConversationPatch(title: "New")
            let patched = try await f.store.updateConversation(id, of: f.session, with: patch, at: at(50))
            let changes = try #require(try await f.changes(id, since: cursor))
            #expect(changes.messages.isEmpty && changes.growth == nil && changes.isReset == false)
            #expect(changes.conversation == patched && changes.cursor.version == cursor.version + 1)
        },
        Clause("more changes than the limit come in several calls, in order of version, each once") { f in
            let id = try await f.conversation()
            for index in 0..<4 { try await f.begin("\(index)", in: id, answer: "a\(index)") }
            let running = try await f.begin("last", in: id)
            _ = try await f.store.append(f.part(0, "growing"), to: f.place(running.answer.id, id))
            let stored = try await f.page(id).messages
            for limit in [1, 3, 9, 10, 50] {
                var seen = [Message]()
                var cursor = Cursor.start
                var calls = 0
                while let changes = try await f.changes(id, since: cursor, limit: limit), calls < 20 {
                    #expect(
                        changes.messages.count <= limit && changes.growth == nil && changes.isReset == false)
                    seen += changes.messages
                    cursor = changes.cursor
                    calls += 1
                }
                #expect(seen == stored.sorted { $0.version < $1.version }, "limit \(limit)")
                #expect(cursor == Cursor(version: 15, offset: 7))
            }
        },
        Clause("a cursor from before a reset, or one that never was, starts anew") { f in
            let id = try await f.conversation()
            try await f.begin("old", in: id, answer: "old")
            let old = try await f.page(id).cursor
            let reset = try await f.store.resetConversation(id, of: f.session, at: at(50))
            let empty = try #require(try await f.changes(id, since: old))
            #expect(empty.isReset && empty.messages.isEmpty && empty.conversation == reset)
            #expect(try await f.changes(id, since: empty.cursor) == nil)
            try await f.begin("new", in: id)
            for cursor in [old, Cursor(version: 1, offset: 0), Cursor(version: 1_000, offset: 0)] {
                let changes = try #require(try await f.changes(id, since: cursor))
                #expect(changes.isReset && changes.messages.map(\.text) == ["new", ""], "\(cursor)")
                #expect(try await f.changes(id, since: changes.cursor) == nil)
            }
            let later = try #require(try await f.changes(id, since: empty.cursor))
            #expect(later.isReset == false && later.messages.map(\.text) == ["new", ""])
            #expect(try #require(try await f.changes(id, since: .start)).isReset == false)
        },
        Clause("a reader who follows any sequence of changes ends up with what is stored") { f in
            var random = SeededGenerator.announced("following")
            let id = try await f.conversation()
            var reader = Reader()
            var running: (AnswerReference, String)?
            for step in 0..<150 {
                running = try await change(id, running, step, f, &random)
                if Int.random(in: 0..<3, using: &random) == 0 {
                    try await reader.follow(id, f, limit: Int.random(in: 1...4, using: &random))
                    let stored = try await f.page(id).messages
                    #expect(reader.isWhole || !reader.messages.isEmpty)
                    #expect(
                        reader.messages == (reader.isWhole ? stored : stored.suffix(reader.messages.count)),
                        "step \(step)")
                }
            }
        },
    ]

    /// Makes one random change.
    private static func change(
        _ id: ConversationID, _ running: (AnswerReference, String)?, _ step: Int, _ f: StoreFixture,
        _ random: inout SeededGenerator
    ) async throws -> (AnswerReference, String)? {
        let time = at(Int64(100 + step))
        guard let (place, text) = running else {
            switch Int.random(in: 0..<10, using: &random) {
            case 0:
                _ = try await f.store.resetConversation(id, of: f.session, at: time)
                return nil
            case 1:
                let patch = try ConversationPatch(title: "title \(step)")
                _ = try await f.store.updateConversation(id, of: f.session, with: patch, at: time)
                return nil
            case 2, 3, 4: return try await branch(id, step, f, &random)
            default: return (f.place(try await f.begin("prompt \(step)", in: id).answer.id, id), "")
            }
        }
        let piece = ["a", "ä", "😀", " longer "].randomElement(using: &random) ?? ""
        let part = f.part(text.utf8.count, piece)
        switch Int.random(in: 0..<10, using: &random) {
        case 0:
            _ = try await f.store.resetConversation(id, of: f.session, at: time)
            return nil
        case 1:
            #expect(try await f.store.interrupt(place, ownedBy: f.owner, at: time))
            return nil
        case 2, 3:
            _ = try await f.store.finish(place, with: part, end: AnswerEnd(state: .complete), at: time)
            return nil
        default:
            _ = try await f.store.append(part, to: place)
            return (place, text + part.text)
        }
    }

    /// Asks again, edits a prompt, or shows an alternative; nothing when there is no message yet.
    private static func branch(
        _ id: ConversationID, _ step: Int, _ f: StoreFixture, _ random: inout SeededGenerator
    ) async throws -> (AnswerReference, String)? {
        let messages = try await f.page(id).messages
        guard let message = messages.randomElement(using: &random) else { return nil }
        switch Int.random(in: 0..<3, using: &random) {
        case 0: return (f.place(try await f.retry(message.id, in: id).answer.id, id), "")
        case 1:
            let prompt = messages.last { $0.role == .user && $0.position <= message.position }
            let replaced = try #require(prompt ?? messages.first { $0.role == .user }).id
            return (f.place(try await f.begin("edit \(step)", in: id, replacing: replaced).answer.id, id), "")
        default:
            let other = messages.flatMap(\.alternatives).randomElement(using: &random) ?? message.id
            try await f.show(other, in: id)
            return nil
        }
    }

    /// A page in a browser.
    private struct Reader {
        var cursor = Cursor.start
        var messages: [Message] = []
        /// False when only the last page is known.
        var isWhole = true

        mutating func follow(_ id: ConversationID, _ f: StoreFixture, limit: Int) async throws {
            while let changes = try await f.changes(id, since: cursor, limit: limit) {
                if changes.isReset {
                    messages = []
                    isWhole = changes.earlier == nil
                }
                if let position = changes.droppedAfter { messages.removeAll { $0.position > position } }
                for message in changes.messages {
                    messages.removeAll { $0.id == message.id }
                    messages.append(message)
                }
                messages.sort { $0.position < $1.position }
                if let growth = changes.growth,
                    let index = messages.firstIndex(where: { $0.id == growth.message })
                {
                    #expect(messages[index].text.utf8.count == growth.offset)
                    messages[index].text += growth.text
                }
                #expect(changes.cursor != cursor)
                cursor = changes.cursor
            }
        }
    }
}
