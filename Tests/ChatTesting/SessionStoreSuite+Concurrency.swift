import ChatCore
import Testing

extension SessionStoreSuite {
    static let concurrencyClauses: [Clause] = [
        Clause("what one task was told is seen by the other at once") { f in
            let id = try await f.conversation()
            for index in 0..<10 {
                let turn = try await f.begin("\(index)", in: id)
                #expect(try await f.page(id).messages.last == turn.answer)
                let place = f.place(turn.answer.id, id)
                _ = try await f.other.append(f.part(0, "x"), to: place)
                #expect(try await f.store.cursors(of: [f.reference(id)]).values.map(\.offset) == [1])
                _ = try await f.other.finish(
                    place, with: f.part(1, "y"), end: AnswerEnd(state: .complete), at: at(3))
                let last = try await f.store.conversation(id, of: f.session, before: nil, limit: 1).messages
                #expect(last.map(\.text) == ["xy"])
            }
        },
        Clause("a turn that is sent many times at once is one turn") { f in
            let id = try await f.conversation()
            let turns = try await (0..<8).map { _ in
                try f.turn("Once", id: MessageID(uncheckedRawValue: "same"))
            }
            .concurrentMap { index, turn in
                try await persist {
                    try await f.task(index).beginTurn(turn, in: id, of: f.session, at: at(5))
                }
            }
            #expect(turns.filter { !$0.isRepeated }.count == 1)
            #expect(Set(turns.map(\.answer)).count == 1)
            #expect(try await f.page(id).messages.count == 2)
        },
        Clause("of many turns at once in a conversation one runs, and the others are told so") { f in
            let id = try await f.conversation()
            let outcomes = try await (0..<8).map { try f.turn("\($0)") }.concurrentMap { index, turn in
                do {
                    _ = try await persist {
                        try await f.task(index).beginTurn(turn, in: id, of: f.session, at: at(5))
                    }
                    return "begun"
                } catch let error as ChatError {
                    return error.code.rawValue
                }
            }
            #expect(outcomes.filter { $0 == "begun" }.count == 1)
            #expect(outcomes.filter { $0 == "answer_running" }.count == 7)
            #expect(try await f.page(id).conversation.messageCount == 2)
        },
        Clause("of an end and many interruptions at once exactly one counts") { f in
            for round in 0..<5 {
                let id = try await f.conversation()
                let place = f.place(try await f.begin(in: id).answer.id, id)
                let wins = try await Array(0..<6).concurrentMap { index, _ in
                    guard index == round else {
                        return try await persist {
                            try await f.task(index).interrupt(place, ownedBy: f.owner, at: at(6))
                        }
                    }
                    do {
                        let end = AnswerEnd(state: .complete)
                        _ = try await persist {
                            try await f.task(index).finish(place, with: f.part(0, "all"), end: end, at: at(6))
                        }
                        return true
                    } catch let error as ChatError where error.code == .fenced {
                        return false
                    }
                }
                #expect(wins.filter(\.self).count == 1)
                let page = try await f.page(id)
                #expect(page.messages[1].state == (wins[round] ? .complete : .interrupted))
                #expect(page.messages[1].text == (wins[round] ? "all" : ""))
                #expect(page.conversation.version == 4)
            }
        },
        Clause("many writers in one session lose nothing, keep their order, and leave no gap in positions") {
            f in
            let ids = try await (0..<3).asyncMap { _ in try await f.conversation() }
            let writers = 6, turnsPerWriter = 4
            _ = try await Array(0..<writers).concurrentMap { writer, _ in
                for number in 0..<turnsPerWriter {
                    let turn = try f.turn("\(writer) \(number)")
                    let id = ids[writer % ids.count]
                    let store = f.task(writer)
                    _ = try await persist(also: .answerRunning) {
                        try await store.beginTurn(turn, in: id, of: f.session, at: at(7))
                    }
                    let place = f.place(turn.answerID, id)
                    for (offset, text) in [(0, "re: "), (4, turn.text)] {
                        _ = try await persist { try await store.append(f.part(offset, text), to: place) }
                    }
                    let offset = 4 + turn.text.utf8.count
                    _ = try await persist {
                        try await store.finish(
                            place, with: f.part(offset, "."), end: AnswerEnd(state: .complete), at: at(8))
                    }
                }
            }
            for (index, id) in ids.enumerated() {
                let page = try await f.page(id)
                #expect(page.messages.map(\.position) == Array(1...writers / 3 * turnsPerWriter * 2))
                #expect(page.conversation.version == 1 + 3 * page.messages.count / 2)
                for (prompt, answer) in zip(page.messages, page.messages.dropFirst())
                where prompt.role == .user {
                    #expect(answer.prompt == prompt.id && answer.text == "re: \(prompt.text).")
                }
                for writer in stride(from: index, to: writers, by: ids.count) {
                    let own = page.messages.filter { $0.role == .user && $0.text.hasPrefix("\(writer) ") }
                    #expect(own.map(\.text) == (0..<turnsPerWriter).map { "\(writer) \($0)" })
                }
            }
        },
        Clause("many sessions at once do not mix") { f in
            let sessions = try await (0..<12).asyncMap { _ in try await f.stranger() }
            let id = ConversationID.random()
            _ = try await sessions.concurrentMap { index, session in
                let new = try NewConversation(id: id, title: session.short)
                _ = try await persist {
                    try await f.task(index).createConversation(new, in: session, at: at(1))
                }
                let turn = try f.turn(session.hexadecimal)
                _ = try await persist {
                    try await f.task(index).beginTurn(turn, in: id, of: session, at: at(2))
                }
            }
            for session in sessions {
                let page = try await f.other.conversation(id, of: session, before: nil, limit: 10)
                #expect(page.conversation.title == session.short)
                #expect(page.messages.map(\.text) == [session.hexadecimal, ""])
            }
        },
    ]
}

extension StoreFixture {
    /// The store of the task that the client with this number talks to.
    func task(_ client: Int) -> any SessionStore { client.isMultiple(of: 2) ? store : other }
}

/// Repeats a call that ended as busy, as clients do; the same call again is safe.
func persist<Value: Sendable>(
    also code: ChatError.Code = .busy, _ body: @Sendable () async throws -> Value
) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(30)
    while true {
        do {
            return try await body()
        } catch let error as ChatError where (error.code == .busy || error.code == code) && .now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

extension Array where Element: Sendable {
    /// `map` with a task for each element, all at once; results in the order of the elements.
    func concurrentMap<Value: Sendable>(
        _ body: @escaping @Sendable (Int, Element) async throws -> Value
    ) async throws -> [Value] {
        try await withThrowingTaskGroup(of: (Int, Value).self) { group in
            for (index, element) in enumerated() { group.addTask { (index, try await body(index, element)) } }
            var values = [(Int, Value)]()
            for try await value in group { values.append(value) }
            return values.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}
