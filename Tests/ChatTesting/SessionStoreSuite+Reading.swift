import ChatCore
import Testing

extension SessionStoreSuite {
    static let readingClauses: [Clause] = searchingClauses + transcriptClauses

    private static let searchingClauses: [Clause] = [
        Clause("a search finds titles and messages, the most recently updated conversation first") { f in
            let old = try await f.conversation("Needles and pins", time: 10)
            let pinned = try await f.conversation("Other", time: 20)
            let newest = try await f.conversation("Third", time: 30)
            _ = try await f.store.updateConversation(
                pinned, of: f.session, with: try ConversationPatch(isPinned: true), at: at(40))
            try await f.begin("where is the NEEDLE?", in: pinned, answer: "in the hay", time: 50)
            try await f.begin("nothing", in: newest, answer: "a needle, again a needle", time: 60)
            _ = try await f.conversation("Empty", time: 70)
            let page = try await f.search("needle")
            #expect(page.results.map(\.conversation.id) == [newest, pinned, old])
            #expect(page.results.map { $0.hits.map { $0.message?.role } } == [[.assistant], [.user], [nil]])
            #expect(page.results[1].hits[0].snippet.text == "where is the NEEDLE?")
            #expect(page.results[1].conversation.isPinned)
            #expect(page.next == nil)
            #expect(try await f.search("absent").results.isEmpty)
        },
        Clause("a search wants all words, in the message and the title together") { f in
            let conversation = try await f.conversation("Swift and SQLite")
            try await f.begin("about locks", in: conversation, answer: "locks are swift")
            #expect(
                try await f.search("swift sqlite").results.map { $0.hits.map { $0.message?.role } } == [[nil]]
            )
            #expect(
                try await f.search("sqlite locks").results.first?.hits.map { $0.message?.role }
                    == [.assistant, .user])
            #expect(try await f.search("locks nothing").results.isEmpty)
        },
        Clause("a search sees what is shown, and text of a running answer") { f in
            let conversation = try await f.conversation()
            let first = try await f.begin("version one", in: conversation, answer: "stone")
            let second = try await f.begin(
                "version two", in: conversation, replacing: first.prompt.id)
            _ = try await f.store.append(f.part(0, "running wa"), to: f.place(second.answer.id, conversation))
            _ = try await f.store.append(f.part(10, "ter"), to: f.place(second.answer.id, conversation))
            #expect(try await f.search("stone").results.isEmpty)
            #expect(try await f.search("water").results.first?.hits.first?.message?.id == second.answer.id)
        },
        Clause("a search goes on where it ended, and finds each conversation once") { f in
            var all: [ConversationID] = []
            for number in 0..<9 {
                all.append(try await f.conversation("needle \(number)", time: Int64(100 + number / 3)))
                if number % 4 == 0 {
                    _ = try await f.store.updateConversation(
                        all[number], of: f.session, with: try ConversationPatch(isPinned: true),
                        at: at(Int64(100 + number / 3)))
                }
            }
            var found: [SearchResult] = []
            var place: SearchPlace?
            repeat {
                let page = try await f.search("needle", from: place, limit: 2)
                #expect(page.results.count <= 2)
                found += page.results
                place = page.next
            } while place != nil
            #expect(Set(found.map(\.conversation.id)) == Set(all) && found.count == all.count)
            let places = found.map { SearchPlace(after: $0.conversation) }
            for (left, right) in zip(places, found.dropFirst()) {
                #expect(left.isBefore(right.conversation))
            }
        },
        Clause("texts come in bounded stretches that together are all there is, once") { f in
            var expected: [String] = []
            for number in 0..<3 {
                let conversation = try await f.conversation("c\(number)", time: Int64(1_000 - 100 * number))
                for turn in 0..<3 {
                    try await f.begin(
                        "p\(turn)", in: conversation, answer: "a\(turn)",
                        time: Int64(1_001 - 100 * number + turn))
                }
                expected += ["c\(number)", "a2", "p2", "a1", "p1", "a0", "p0"]
            }
            for bounds in [
                ReadBounds(rowsMax: 1, bytesMax: .max), ReadBounds(rowsMax: 4, bytesMax: .max),
                ReadBounds(rowsMax: 100, bytesMax: 3), ReadBounds(rowsMax: 100, bytesMax: 1_000),
            ] {
                var seen: [String] = []
                var place: SearchPlace?
                repeat {
                    let stretch = try await f.other.texts(of: f.session, from: place, bounds: bounds)
                    var rows = 0
                    for part in stretch.parts {
                        if !part.isContinued { seen.append(part.conversation.title) }
                        rows += part.messages.count + (part.isContinued ? 0 : 1)
                        seen += part.messages.map(\.text)
                    }
                    #expect(rows <= bounds.rowsMax)
                    place = stretch.next
                } while place != nil
                #expect(seen == expected, "\(bounds)")
            }
        },
    ]

    private static let transcriptClauses: [Clause] = [
        Clause("a transcript has all versions, what each follows, and what is shown") { f in
            let conversation = try await f.conversation("title")
            let first = try await f.begin("one", in: conversation, answer: "1")
            let second = try await f.begin("two", in: conversation, answer: "2")
            let edited = try await f.begin(
                "two!", in: conversation, replacing: second.prompt.id, answer: "2!")
            let whole = try await f.transcript([conversation])
            #expect(whole.map(\.isWhole) == [true])
            let entries = whole.flatMap(\.entries)
            #expect(entries.map(\.message.text) == ["one", "1", "two", "2", "two!", "2!"])
            #expect(entries.map(\.isShown) == [true, true, false, false, true, true])
            #expect(
                entries.map(\.follows) == [
                    nil, first.prompt.id, first.answer.id, second.prompt.id, first.answer.id,
                    edited.prompt.id,
                ])
            #expect(whole[0].shown == edited.answer.id)
        },
        Clause("a transcript comes in bounded stretches, one conversation after the other") { f in
            var ids: [ConversationID] = []
            for number in 0..<3 {
                let conversation = try await f.conversation("c\(number)")
                ids.append(conversation)
                for turn in 0..<2 where number != 1 {
                    try await f.begin("p\(turn)", in: conversation, answer: "a\(turn)")
                }
            }
            let asked = [ids[2], .random(), ids[1], ids[0]]
            for bounds in [ReadBounds(rowsMax: 1, bytesMax: .max), ReadBounds(rowsMax: 100, bytesMax: 5)] {
                let parts = try await f.transcript(asked, bounds: bounds)
                #expect(
                    parts.filter(\.isWhole).map(\.conversation.id) == [ids[2], ids[1], ids[0]], "\(bounds)")
                #expect(
                    parts.flatMap { part in
                        part.entries.map { "\(part.conversation.title) \($0.message.text)" }
                    }
                        == ["c2 p0", "c2 a0", "c2 p1", "c2 a1", "c0 p0", "c0 a0", "c0 p1", "c0 a1"])
            }
        },
        Clause("after a reset a transcript begins anew") { f in
            let conversation = try await f.conversation()
            try await f.begin("gone", in: conversation, answer: "gone")
            _ = try await f.store.resetConversation(conversation, of: f.session, at: at(30))
            #expect(try await f.transcript([conversation]).map(\.shown) == [nil])
            let turn = try await f.begin("new", in: conversation)
            let part = try #require(try await f.transcript([conversation]).first)
            #expect(part.entries.map(\.follows) == [nil, turn.prompt.id])
            #expect(part.entries.map(\.message.state) == [.complete, .running])
            #expect(part.shown == turn.answer.id)
        },
    ]
}

extension StoreFixture {
    func search(_ text: String, from place: SearchPlace? = nil, limit: Int = 50) async throws -> SearchPage {
        try await Search(try SearchQuery(text), limit: limit).page(of: session, from: place, in: other)
    }

    /// All parts, in as many stretches as it takes.
    func transcript(
        _ conversations: [ConversationID], bounds: ReadBounds = ReadBounds(rowsMax: 100, bytesMax: 1_000_000)
    ) async throws -> [TranscriptStretch.Part] {
        var parts: [TranscriptStretch.Part] = []
        var rest = conversations, position = 0
        while !rest.isEmpty {
            let stretch = try await other.transcripts(
                of: rest, in: session, after: position, bounds: bounds)
            #expect(stretch.parts.map(\.entries.count).reduce(0, +) <= bounds.rowsMax)
            parts += stretch.parts
            guard let next = stretch.next else { break }
            rest.removeFirst(next.conversations)
            position = next.position
        }
        return parts
    }
}
