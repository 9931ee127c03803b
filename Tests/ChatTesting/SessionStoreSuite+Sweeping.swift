import ChatCore
import Testing

extension SessionStoreSuite {
    static let sweepingClauses: [Clause] = [
        Clause("answers that run are found without knowing their sessions; ended ones are not") { f in
            #expect(f.store.sweepPartsCount > 0)
            let id = try await f.conversation()
            try await f.begin("Hello?", in: id, answer: "done")
            let other = try await f.conversation()
            let stopped = try await f.begin(in: other)
            let place = f.place(stopped.answer.id, other)
            #expect(try await f.running() == [RunningAnswer(answer: place, owner: f.owner)])
            let on = try await f.begin(in: id)
            let found = try await f.running()
            #expect(Set(found.map(\.answer)) == [place, f.place(on.answer.id, id)] && found.count == 2)
            #expect(try await f.store.interrupt(place, ownedBy: f.owner, at: at(50)))
            #expect(try await f.running().map(\.answer) == [f.place(on.answer.id, id)])
            let again = try await f.goOn(in: other)
            let owner = try #require(again.answer.owner)
            #expect(try await f.running().contains(RunningAnswer(answer: place, owner: owner)))
            try await f.store.deleteConversation(other, of: f.session)
            _ = try await f.store.resetConversation(id, of: f.session, at: at(60))
            #expect(try await f.running().isEmpty)
        },
        Clause("no more answers are handed out at once than asked for") { f in
            for _ in 0..<3 { try await f.begin(in: try await f.conversation()) }
            var counts: [Int] = []
            for part in 0..<f.other.sweepPartsCount {
                counts.append(try await f.other.runningAnswers(inPart: part, limit: 2).count)
            }
            #expect(counts.reduce(0, +) == 2)
        },
    ]
}

extension StoreFixture {
    /// All running answers of this session, asked for part by part.
    fileprivate func running() async throws -> [RunningAnswer] {
        var found: [RunningAnswer] = []
        for part in 0..<other.sweepPartsCount {
            found += try await other.runningAnswers(inPart: part, limit: 100)
        }
        return found.filter { $0.answer.session == session }
    }
}
