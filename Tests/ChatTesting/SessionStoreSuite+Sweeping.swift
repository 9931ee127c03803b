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
        Clause("a session's version grows with every change of its conversations, and only then") { f in
            var known = try #require(try await f.version())
            func expectGrowth(_ what: String) async throws {
                guard let now = try await f.version() else { throw ChatError.unknownSession }
                #expect(now > known, "\(what)")
                known = now
            }
            let id = try await f.conversation()
            try await expectGrowth("made")
            let turn = try await f.begin(in: id)
            try await expectGrowth("begun")
            let place = f.place(turn.answer.id, id)
            _ = try await f.store.append(f.part(0, "a"), to: place)
            _ = try await f.store.requestStop(nil, in: id, of: f.session)
            _ = try await f.page(id)
            let new = try NewConversation(id: id)
            _ = try await f.store.createConversation(new, in: f.session, at: at(50))
            #expect(try await f.version() == known)
            #expect(try await f.store.interrupt(place, ownedBy: f.owner, at: at(51)))
            try await expectGrowth("ended")
            let patch = try ConversationPatch(title: "New")
            _ = try await f.store.updateConversation(id, of: f.session, with: patch, at: at(52))
            try await expectGrowth("renamed")
            try await f.retry(turn.answer.id, in: id, answer: "b")
            try await expectGrowth("asked again")
            _ = try await f.store.resetConversation(id, of: f.session, at: at(53))
            try await expectGrowth("reset")
            try await f.store.deleteConversation(id, of: f.session)
            try await expectGrowth("deleted")
            try await f.store.deleteConversation(id, of: f.session)
            #expect(try await f.version() == known)
            let stranger = try await f.stranger()
            let versions = try await f.other.sessionVersions(
                of: [f.session, stranger, SessionKey().sessionID])
            #expect(Set(versions.keys) == [f.session, stranger] && versions[f.session] == known)
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
    fileprivate func version() async throws -> Int? {
        try await other.sessionVersions(of: [session])[session]
    }

    /// All running answers of this session, asked for part by part.
    fileprivate func running() async throws -> [RunningAnswer] {
        var found: [RunningAnswer] = []
        for part in 0..<other.sweepPartsCount {
            found += try await other.runningAnswers(inPart: part, limit: 100)
        }
        return found.filter { $0.answer.session == session }
    }
}
