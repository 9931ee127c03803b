import ChatCore
import Testing

extension SessionStoreSuite {
    static let sessionClauses: [Clause] = [
        Clause("making a session twice returns the first") { f in
            let again = try await f.other.createSession(Session(id: f.session, created: at(999)))
            #expect(again == Session(id: f.session, created: at(1)))
            #expect(try await f.store.session(f.session) == again)
        },
        Clause("a session that does not exist is unauthorized for every call") { f in
            let outcomes = await outcomes(of: f.store, in: SessionKey().sessionID, .random(), .random(), f)
            for (call, outcome) in outcomes {
                switch call {
                case "append", "finish": #expect(outcome.hasPrefix("fenced"), "\(call)")
                case "interrupt": #expect(outcome == "false")
                case "cursors": #expect(outcome == "0")
                default: #expect(outcome.hasPrefix("unauthorized"), "\(call)")
                }
            }
        },
        Clause("deleting a session forgets all it owns, and deleting it again is no error") { f in
            let conversation = try await f.conversation()
            let turn = try await f.begin(in: conversation)
            for _ in 0..<2 { try await f.other.deleteSession(f.session) }
            await expectError(.unauthorized) { try await f.store.session(f.session) }
            await expectError(.unauthorized) { try await f.page(conversation) }
            await expectError(.fenced) {
                try await f.store.append(f.part(0, "x"), to: f.place(turn.answer.id, conversation))
            }
            _ = try await f.store.createSession(Session(id: f.session, created: at(2)))
            #expect(
                try await f.store.conversations(of: f.session, after: nil, limit: 10).conversations.isEmpty)
            await expectError(.notFound) { try await f.page(conversation) }
        },
        Clause("what belongs to another session looks like what does not exist") { f in
            let conversation = try await f.conversation()
            let turn = try await f.begin(in: conversation)
            let stranger = try await f.stranger()
            // Named with the owner's ids and with ids of nobody, each call ends the same way.
            let unknown = await outcomes(of: f.store, in: stranger, .random(), .random(), f)
            let foreign = await outcomes(of: f.store, in: stranger, conversation, turn.answer.id, f)
            #expect(foreign == unknown)
            #expect(unknown.values.filter { $0.hasPrefix("not_found") }.count == 7)
            try await f.store.deleteConversation(conversation, of: stranger)
            #expect(try await f.page(conversation).messages.map(\.state) == [.complete, .running])
        },
        Clause("two sessions may use the same ids") { f in
            let conversation = try await f.conversation("mine")
            let mine = try await f.begin("mine", in: conversation, answer: "to me")
            let stranger = try await f.stranger()
            let new = try NewConversation(id: conversation, title: "theirs")
            #expect(try await f.store.createConversation(new, in: stranger, at: at(5)).isNew)
            let turn = try NewTurn(
                promptID: mine.prompt.id, text: "theirs", model: "demo", answerID: mine.answer.id,
                owner: f.owner)
            #expect(
                try await f.store.beginTurn(turn, in: conversation, of: stranger, at: at(6)).isRepeated
                    == false)
            #expect(try await f.page(conversation).messages.map(\.text) == ["mine", "to me"])
        },
        Clause(
            "after close every call says unavailable, closing again is no error, nothing acknowledged is lost"
        ) { f in
            let conversation = try await f.conversation()
            try await f.begin("kept", in: conversation, answer: "kept too")
            for _ in 0..<2 { await f.store.close() }
            for (call, outcome) in await outcomes(of: f.store, in: f.session, conversation, .random(), f) {
                #expect(outcome.hasPrefix("unavailable"), "\(call)")
            }
            guard f.isShared else { return }
            let reopened = try await f.makeStore()
            let page = try await reopened.conversation(conversation, of: f.session, before: nil, limit: 10)
            #expect(page.messages.map(\.text) == ["kept", "kept too"])
            await reopened.close()
        },
        Clause("a store that is closed in mid-use acknowledges only what it keeps") { f in
            let conversations = try await (0..<4).asyncMap { _ in try await f.conversation() }
            let (begun, notice) = AsyncStream.makeStream(of: Void.self)
            let acknowledged = await withTaskGroup(of: [MessageID].self) { group in
                for conversation in conversations {
                    group.addTask {
                        var ids = [MessageID]()
                        while ids.count < 10_000,
                            let turn = try? await f.begin("x", in: conversation, answer: "y")
                        {
                            ids.append(turn.prompt.id)
                            notice.yield()
                        }
                        return ids
                    }
                }
                group.addTask {
                    for await _ in begun { break }
                    try? await Task.sleep(for: .milliseconds(50))
                    await f.store.close()
                    return []
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
            #expect(!acknowledged.isEmpty)
            guard f.isShared else { return }
            let reopened = try await f.makeStore()
            var stored = Set<MessageID>()
            for conversation in conversations {
                var cursor = Cursor.start
                while let changes = try await reopened.changes(
                    in: conversation, of: f.session, since: cursor, limit: 50)
                {
                    stored.formUnion(changes.messages.map(\.id))
                    cursor = changes.cursor
                }
            }
            #expect(acknowledged.allSatisfy(stored.contains))
            await reopened.close()
        },
    ]

    /// Makes every call that names a session, but for those that make or delete one, with the given ids: how
    /// each ended, as far as a caller can see.
    private static func outcomes(
        of store: any SessionStore, in session: SessionID, _ conversation: ConversationID,
        _ message: MessageID,
        _ f: StoreFixture
    ) async -> [String: String] {
        let place = AnswerReference(session: session, conversation: conversation, message: message)
        let calls: [(String, () async throws -> Any)] = [
            ("session", { try await store.session(session).created }),
            (
                "list",
                { try await store.conversations(of: session, after: nil, limit: 1).conversations.count }
            ),
            ("page", { try await store.conversation(conversation, of: session, before: nil, limit: 1) }),
            (
                "update",
                {
                    try await store.updateConversation(
                        conversation, of: session, with: try ConversationPatch(title: "x"), at: at(9))
                }
            ),
            ("reset", { try await store.resetConversation(conversation, of: session, at: at(9)) }),
            ("begin", { try await store.beginTurn(try f.turn(), in: conversation, of: session, at: at(9)) }),
            ("append", { try await store.append(f.part(0, "x"), to: place) }),
            (
                "finish",
                {
                    try await store.finish(
                        place, with: f.part(0, "x"), end: AnswerEnd(state: .complete), at: at(9))
                }
            ),
            ("interrupt", { try await store.interrupt(place, ownedBy: f.owner, at: at(9)) }),
            ("stop", { try await store.requestStop(nil, in: conversation, of: session) as Any }),
            (
                "history",
                {
                    try await store.history(
                        endingWith: message, in: conversation, of: session, bytesMax: 1_000)
                }
            ),
            (
                "cursors",
                {
                    try await store.cursors(
                        of: [ConversationReference(session: session, conversation: conversation)]).count
                }
            ),
            (
                "changes",
                { try await store.changes(in: conversation, of: session, since: .start, limit: 5) as Any }
            ),
        ]
        return await ends(of: calls + readings(of: store, in: session, conversation))
    }

    /// The calls that go through a session.
    private static func readings(
        of store: any SessionStore, in session: SessionID, _ conversation: ConversationID
    ) -> [(String, () async throws -> Any)] {
        [
            ("texts", { try await store.texts(of: session, from: nil, bounds: .batch).parts.count }),
            (
                "transcripts",
                {
                    try await store.transcripts(
                        of: [conversation], in: session, after: 0, bounds: .batch
                    ).parts.count
                }
            ),
        ]
    }

    private static func ends(of calls: [(String, () async throws -> Any)]) async -> [String: String] {
        var outcomes = [String: String]()
        for (name, call) in calls {
            do {
                outcomes[name] = "\(try await call())"
            } catch let error as ChatError {
                outcomes[name] = "\(error.code.rawValue) \(error.message)"
            } catch {
                outcomes[name] = "\(error)"
            }
        }
        return outcomes
    }
}

extension Sequence {
    /// `map` for bodies that wait, one after another.
    func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values = [Value]()
        for element in self { values.append(try await body(element)) }
        return values
    }
}
