import ChatCore
import Testing

extension SessionStoreSuite {
    static let rotationClauses: [Clause] = [
        Clause("a session becomes another one with all it owns, and is no session any more") { f in
            let conversation = try await f.conversation("kept")
            let turn = try await f.begin("hello", in: conversation, answer: "there")
            let before = try await f.transcript([conversation])
            let successor = f.successor()
            let moved = try await f.store.rotateSession(f.session, to: successor)
            #expect(moved == Session(id: successor, created: at(1)))
            #expect(try await f.other.session(successor) == moved)
            await expectError(.unauthorized) { try await f.other.session(f.session) }
            await expectError(.unauthorized) { try await f.page(conversation) }
            await expectError(.unauthorized) { try await f.conversation("new") }
            await expectError(.fenced) {
                try await f.store.append(f.part(5, "x"), to: f.place(turn.answer.id, conversation))
            }
            let after = try await f.other.transcripts(
                of: [conversation], in: successor, after: 0, bounds: .batch)
            #expect(after.parts == before)
            #expect(
                try await f.other.conversations(of: successor, after: nil, limit: 9).conversations.count == 1)
        },
        Clause("rotating again changes nothing, and every task says the same") { f in
            _ = try await f.conversation("kept")
            let successor = f.successor()
            let moved = try await f.store.rotateSession(f.session, to: successor)
            let version = try await f.other.sessionVersions(of: [successor])
            #expect(try await f.other.rotateSession(f.session, to: successor) == moved)
            #expect(try await f.store.rotateSession(f.session, to: successor) == moved)
            #expect(try await f.other.sessionVersions(of: [successor]) == version)
            #expect(try await f.other.sessionVersions(of: [f.session]).isEmpty)
            let next = f.successor()
            #expect(try await f.other.rotateSession(successor, to: next).id == next)
            await expectError(.unauthorized) {
                try await f.store.rotateSession(f.session, to: successor)
            }
        },
        Clause("of two rotations at once one wins, and the other has no session") { f in
            _ = try await f.conversation("kept")
            let successors = (0..<4).map { _ in f.successor() }
            let won = await withTaskGroup(of: SessionID?.self) { group in
                for (number, successor) in successors.enumerated() {
                    let store = number % 2 == 0 ? f.store : f.other
                    group.addTask {
                        do {
                            return try await store.rotateSession(f.session, to: successor).id
                        } catch {
                            #expect((error as? ChatError)?.code == .unauthorized, "\(error)")
                            return nil
                        }
                    }
                }
                return await group.reduce(into: []) { $0 += [$1].compactMap { $0 } }
            }
            #expect(won.count == 1)
            for successor in successors {
                let lives = try? await f.other.session(successor)
                #expect((lives != nil) == won.contains(successor))
            }
        },
        Clause("what is acknowledged while a session is rotated is kept, once") { f in
            let successor = f.successor()
            let made = try await withThrowingTaskGroup(of: [ConversationID].self) { group in
                for store in [f.store, f.other, f.store, f.other] {
                    group.addTask {
                        var made: [ConversationID] = []
                        while made.count < 200 {
                            let new = try NewConversation(id: .random())
                            do {
                                made.append(
                                    try await store.createConversation(new, in: f.session, at: at(9))
                                        .conversation.id)
                            } catch let error as ChatError where error.code == .unauthorized {
                                break
                            }
                        }
                        return made
                    }
                }
                _ = try await f.other.rotateSession(f.session, to: successor)
                return try await group.reduce(into: []) { $0 += $1 }
            }
            var stored: [ConversationID] = []
            var cursor: ConversationListCursor?
            repeat {
                let list = try await f.store.conversations(of: successor, after: cursor, limit: 100)
                stored += list.conversations.map(\.id)
                cursor = list.next
            } while cursor != nil
            #expect(stored.count == made.count && Set(stored) == Set(made))
        },
        Clause("a session with a running answer is not rotated, and nobody's is not either") { f in
            let conversation = try await f.conversation()
            let turn = try await f.begin(in: conversation)
            let successor = f.successor()
            await expectError(.answerRunning) {
                try await f.store.rotateSession(f.session, to: successor)
            }
            let running = try await f.other.runningAnswers(of: f.session)
            #expect(running.map(\.answer) == [f.place(turn.answer.id, conversation)])
            #expect(running.map(\.owner) == [f.owner])
            _ = try await f.store.interrupt(
                f.place(turn.answer.id, conversation), ownedBy: f.owner, at: at(30))
            #expect(try await f.store.runningAnswers(of: f.session).isEmpty)
            #expect(try await f.store.rotateSession(f.session, to: successor).id == successor)
            await expectError(.unauthorized) {
                try await f.store.rotateSession(f.session, to: f.successor())
            }
            await expectError(.unauthorized) { try await f.store.runningAnswers(of: f.session) }
        },
        Clause("a session does not become one that exists") { f in
            let successor = f.successor()
            _ = try await f.store.createSession(Session(id: successor, created: at(2)))
            await expectError(.conflict) { try await f.store.rotateSession(f.session, to: successor) }
            #expect(try await f.store.session(f.session).created == at(1))
            #expect(try await f.store.session(successor).created == at(2))
        },
        Clause("a rotation forgets what imports had put aside") { f in
            let id = ImportID.random()
            let messages = try StoreFixture.messages(2)
            try await f.store.stageImport(messages, of: id, in: f.session)
            let successor = f.successor()
            _ = try await f.store.rotateSession(f.session, to: successor)
            await expectError(.unauthorized) {
                try await f.store.stageImport(messages, of: id, in: f.session)
            }
            await expectError(.conflict) {
                try await f.store.commitImport(try StoreFixture.imported(messages), of: id, in: successor)
            }
        },
    ]
}

extension StoreFixture {
    /// An id that the session can take.
    func successor() -> SessionID {
        while true {
            let id = SessionKey().sessionID
            if store.isSamePlace(session, id) { return id }
        }
    }
}
