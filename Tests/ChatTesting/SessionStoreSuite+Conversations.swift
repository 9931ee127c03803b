import ChatCore
import Testing

extension SessionStoreSuite {
    static let conversationClauses: [Clause] = [
        Clause("making a conversation twice returns the first, whatever is sent") { f in
            let id = ConversationID.random()
            let new = try NewConversation(id: id, title: "One", model: "m", systemPrompt: "s")
            let first = try await f.store.createConversation(new, in: f.session, at: at(10))
            #expect(first.isNew)
            #expect(
                first.conversation
                    == Conversation(
                        id: id, title: "One", model: "m", systemPrompt: "s", created: at(10), updated: at(10))
            )
            #expect(first.conversation.version == 1)
            let other = try NewConversation(id: id, title: "Two")
            let second = try await f.other.createConversation(other, in: f.session, at: at(11))
            #expect(second == CreatedConversation(conversation: first.conversation, isNew: false))
        },
        Clause("a patch changes what it names, and the version by one") { f in
            let id = try await f.conversation("Old")
            let patch = try ConversationPatch(title: "New", model: "m", systemPrompt: "s", isPinned: true)
            let changed = try await f.store.updateConversation(id, of: f.session, with: patch, at: at(30))
            #expect(
                changed.title == "New" && changed.model == "m" && changed.systemPrompt == "s"
                    && changed.isPinned)
            #expect(changed.version == 2 && changed.updated == at(30) && changed.created == at(10))
            let partly = try await f.other.updateConversation(
                id, of: f.session, with: try ConversationPatch(title: "Newer"), at: at(31))
            #expect(partly.title == "Newer" && partly.model == "m" && partly.isPinned && partly.version == 3)
            let cleared = try await f.store.updateConversation(
                id, of: f.session, with: try ConversationPatch(model: .some(nil), systemPrompt: .some(nil)),
                at: at(32))
            #expect(cleared.model == nil && cleared.systemPrompt == nil && cleared.title == "Newer")
            #expect(try await f.page(id).conversation == cleared)
        },
        Clause("a patch that changes nothing leaves version and time") { f in
            let id = try await f.conversation("Same")
            let before = try await f.page(id).conversation
            for patch in [try ConversationPatch(), try ConversationPatch(title: "Same", isPinned: false)] {
                #expect(
                    try await f.store.updateConversation(id, of: f.session, with: patch, at: at(99)) == before
                )
            }
            #expect(try await f.page(id).conversation == before)
        },
        Clause("the list shows pinned ones first, then the latest, page by page without a gap") { f in
            var random = SeededGenerator(seed: 7)
            for index in 0..<23 {
                // Few different times, so that ids have to decide.
                let id = try await f.conversation("\(index)", time: .random(in: 10...14, using: &random))
                guard index.isMultiple(of: 5) else { continue }
                let time = at(.random(in: 10...14, using: &random))
                _ = try await f.store.updateConversation(
                    id, of: f.session, with: try ConversationPatch(isPinned: true), at: time)
            }
            let all = try await f.other.conversations(of: f.session, after: nil, limit: 100)
            #expect(all.conversations.count == 23 && all.next == nil)
            let cursors = all.conversations.map(ConversationListCursor.init(of:))
            #expect(zip(cursors, cursors.dropFirst()).allSatisfy(ConversationListCursor.precedes))
            for limit in [1, 4, 22, 23] {
                var seen = [Conversation]()
                var next: ConversationListCursor?
                repeat {
                    let page = try await f.store.conversations(of: f.session, after: next, limit: limit)
                    #expect(page.conversations.count == min(limit, 23 - seen.count))
                    seen += page.conversations
                    next = page.next
                } while next != nil && seen.count <= 23
                #expect(seen == all.conversations)
            }
        },
        Clause("limits of pages are cut to their bounds") { f in
            for index in 0..<3 { _ = try await f.conversation("\(index)") }
            let id = try await f.conversation()
            try await f.begin(in: id, answer: "Yes.")
            for limit in [0, -5] {
                #expect(
                    try await f.store.conversations(of: f.session, after: nil, limit: limit).conversations
                        .count == 1)
                #expect(try await f.page(id, limit: limit).messages.count == 1)
                #expect(try await f.changes(id, since: .start, limit: limit)?.messages.count == 1)
            }
            #expect(
                try await f.store.conversations(of: f.session, after: nil, limit: .max).conversations.count
                    == 4)
            #expect(try await f.page(id, limit: .max).messages.count == 2)
        },
        Clause("messages are handed out from the end, page by page without a gap") { f in
            let id = try await f.conversation()
            for index in 0..<5 { try await f.begin("prompt \(index)", in: id, answer: "answer \(index)") }
            let all = try await f.page(id)
            #expect(all.messages.map(\.position) == Array(1...10) && all.earlier == nil)
            for limit in [1, 3, 9, 10] {
                var seen = [Message]()
                var before: Int?
                repeat {
                    let page = try await f.page(id, before: before, limit: limit)
                    seen = page.messages + seen
                    #expect(page.earlier == (seen.count < 10 ? page.messages.first?.position : nil))
                    before = page.earlier
                } while before != nil && seen.count <= 10
                #expect(seen == all.messages)
            }
            #expect(try await f.page(id, before: 1).messages.isEmpty)
            #expect(try await f.page(id, before: 1_000, limit: 2).messages.map(\.position) == [9, 10])
        },
        Clause("deleting a conversation fences its running answer, and deleting it again is no error") { f in
            let id = try await f.conversation()
            let kept = try await f.conversation("kept")
            let turn = try await f.begin(in: id)
            for _ in 0..<2 { try await f.other.deleteConversation(id, of: f.session) }
            await expectError(.notFound) { try await f.page(id) }
            let place = f.place(turn.answer.id, id)
            await expectError(.fenced) { try await f.store.append(f.part(0, "x"), to: place) }
            await expectError(.fenced) {
                try await f.store.finish(
                    place, with: f.part(0, "x"), end: AnswerEnd(state: .complete), at: at(40))
            }
            #expect(try await f.store.interrupt(place, ownedBy: f.owner, at: at(40)) == false)
            #expect(
                try await f.store.conversations(of: f.session, after: nil, limit: 9).conversations.map(\.id)
                    == [kept])
            let again = try await f.store.createConversation(
                try NewConversation(id: id), in: f.session, at: at(50))
            #expect(again.isNew && again.conversation.version == 1 && again.conversation.messageCount == 0)
            #expect(try await f.page(id).messages.isEmpty)
        },
        Clause("a reset removes all messages, fences the running answer, and positions go on") { f in
            let id = try await f.conversation("kept title")
            try await f.begin(in: id, answer: "Yes.")
            let running = try await f.begin("again", in: id)
            let before = try await f.page(id).conversation
            let reset = try await f.other.resetConversation(id, of: f.session, at: at(60))
            #expect(reset.version == before.version + 1 && reset.resetVersion == reset.version)
            #expect(reset.messageCount == 0 && reset.runningAnswer == nil && reset.updated == at(60))
            #expect(reset.title == "kept title")
            await expectError(.fenced) {
                try await f.store.append(f.part(0, "x"), to: f.place(running.answer.id, id))
            }
            #expect(try await f.store.requestStop(nil, in: id, of: f.session) == nil)
            #expect(try await f.page(id).messages.isEmpty)
            let next = try await f.begin("after", in: id)
            #expect(next.prompt.position == 5 && next.answer.position == 6)
            #expect(
                try await f.store.append(f.part(0, "x"), to: f.place(next.answer.id, id)).isStopRequested
                    == false)
        },
        Clause("a reset of a conversation without messages leaves it as it is") { f in
            let id = try await f.conversation()
            let before = try await f.page(id).conversation
            #expect(try await f.store.resetConversation(id, of: f.session, at: at(60)) == before)
            try await f.begin(in: id, answer: "Yes.")
            let reset = try await f.store.resetConversation(id, of: f.session, at: at(61))
            #expect(try await f.store.resetConversation(id, of: f.session, at: at(62)) == reset)
        },
    ]

    static let countClauses: [Clause] = [
        Clause("a session takes so many conversations and no more") { f in
            for index in 0..<Limits.conversationsPerSessionMax {
                _ = try await f.conversation(time: Int64(index))
            }
            await expectError(.limitReached) { try await f.conversation() }
            let last = try await f.other.conversations(of: f.session, after: nil, limit: 1).conversations[0]
            let known = try NewConversation(id: last.id)
            #expect(try await f.store.createConversation(known, in: f.session, at: at(1)).isNew == false)
            try await f.store.deleteConversation(last.id, of: f.session)
            _ = try await f.conversation()
        },
        Clause("a conversation takes so many messages and no more") { f in
            let id = try await f.conversation()
            for _ in 0..<Limits.messagesPerConversationMax / 2 { try await f.begin("x", in: id, answer: "") }
            await expectError(.limitReached) { try await f.begin("x", in: id) }
            #expect(try await f.page(id).conversation.messageCount == Limits.messagesPerConversationMax)
            let last = try await f.page(id, limit: 2).messages
            let known = try f.turn("x", id: last[0].id)
            #expect(try await f.store.beginTurn(known, in: id, of: f.session, at: at(1)).isRepeated)
        },
    ]
}
