import ChatCore
import ChatTesting
import Synchronization
import Testing

@Suite("A task and its readers", .timeLimit(.minutes(5)))
struct ChatTaskTests {
    @Test("a turn is shown as it grows and kept as it was shown")
    func wholeTurn() async throws {
        let model = ScriptedModel([.text("Hel"), .pause(.milliseconds(80)), .text("lo "), .text("wörld")])
        try await withTasks(model) { cluster in
            let reading = Task { try await cluster.read(on: 0, until: .complete) }
            let turn = try await cluster.begin(on: 0, "Hi")
            let seen = try await reading.value
            #expect(seen.text == "Hello wörld")
            #expect(seen.whole == "Hello wörld", "pieces and offsets put together give the text")
            let page = try await cluster.tasks[0].page(of: cluster.conversation, before: nil, limit: 10)
            #expect(page.messages.map(\.text) == ["Hi", "Hello wörld"])
            #expect(page.messages.last?.id == turn.answer.id)
            #expect(page.messages.last?.stopReason == "stop")
        }
    }

    @Test("a reader on another task sees the same, while it grows")
    func otherTask() async throws {
        let model = ScriptedModel([
            .text("one "), .pause(.milliseconds(700)), .text("two "), .gate, .text("three"),
        ])
        try await withTasks(model, count: 2) { cluster in
            try await cluster.begin(on: 0, "Hi")
            let growing = try await cluster.read(on: 1, untilText: "one two ")
            #expect(growing == "one two ")
            model.open()
            #expect(try await cluster.read(on: 1, until: .complete).text == "one two three")
        }
    }

    @Test("reasoning is followed on another task, and stored apart from the answer")
    func reasoning() async throws {
        let model = ScriptedModel([.reasoning("Hm. "), .gate, .reasoning("So."), .text("Ja"), .gate])
        try await withTasks(model, count: 2) { cluster in
            try await cluster.begin(on: 0, "Hi")
            var said = Utterance()
            try await cluster.tasks[1].withReader(of: cluster.conversation, from: .start) { reader in
                while said != Utterance(reasoning: "Hm. So.", text: "Ja") {
                    switch try await reader.next() {
                    case .changes(let changes):
                        if let answer = changes.messages.last, answer.role == .assistant {
                            said = answer.said
                        }
                        if let growth = changes.growth { said.append(growth.said) }
                    case .growth(let growth, let whole):
                        #expect(growth.offset == said.bytes)
                        said.append(growth.said)
                        #expect(whole == said.text)
                    default: break
                    }
                    if said == Utterance(reasoning: "Hm. ") { model.open() }
                }
            }
            model.open()
            #expect(try await cluster.read(on: 0, until: .complete).text == "Ja")
            let page = try await cluster.tasks[1].page(of: cluster.conversation, before: nil, limit: 10)
            #expect(page.messages.last?.said == Utterance(reasoning: "Hm. So.", text: "Ja"))
        }
    }

    @Test("a model that finds the conversation too long is asked with less of it, the last question at least")
    func tooLong() async throws {
        let tooLong = ScriptedModel.Step.fail(ModelError(.tooLong))
        let model = ScriptedModel([.text("one")], [.text("two")], [tooLong], [tooLong], [.text("three")])
        try await withTasks(model) { cluster in
            for (question, answer) in [("1", "one"), ("2", "two"), ("3", "three")] {
                try await cluster.begin(on: 0, question)
                #expect(try await cluster.read(on: 0, until: .complete).text == answer)
            }
            #expect(model.prompts.map { $0.messages.count } == [1, 3, 5, 3, 1])
            #expect(model.prompts.last?.messages.map(\.text) == ["3"])
        }
        let never = ScriptedModel([tooLong])
        try await withTasks(never) { cluster in
            try await cluster.begin(on: 0, "1")
            let seen = try await cluster.read(on: 0, until: .failed)
            #expect(seen.message.failure?.code == "too_long")
            #expect(never.prompts.count == 1)
        }
    }

    @Test("a reader resumes at its cursor, on any task, without a gap and without a repetition")
    func resume() async throws {
        let words = (0..<40).map { "word\($0) " }
        let model = ScriptedModel(words.flatMap { [.text($0), .pause(.milliseconds(25))] })
        try await withTasks(model, count: 2) { cluster in
            try await cluster.begin(on: 0, "Hi")
            var cursor = Cursor.start
            var text = ""
            var isComplete = false
            var hop = 0
            while !isComplete {
                defer { hop += 1 }
                try await cluster.tasks[hop % 2].withReader(of: cluster.conversation, from: cursor) {
                    reader in
                    for _ in 0..<4 where !isComplete {
                        switch try await reader.next() {
                        case .changes(let changes):
                            if let answer = changes.messages.last(where: { $0.role == .assistant }) {
                                text = answer.text
                                isComplete = answer.state == .complete
                            }
                            if let growth = changes.growth { text += growth.text }
                        case .growth(let growth, _):
                            #expect(growth.offset == text.utf8.count)
                            text += growth.text
                        default: break
                        }
                        cursor = reader.cursor
                    }
                }
                #expect(words.joined().hasPrefix(text))
            }
            #expect(text == words.joined())
        }
    }

    @Test("stop from another task reaches the model, also before its first token", arguments: [true, false])
    func stop(hasText: Bool) async throws {
        let model = ScriptedModel((hasText ? [.text("some")] : []) + [.pause(.seconds(600)), .text("never")])
        try await withTasks(model, count: 2) { cluster in
            try await cluster.begin(on: 0, "Hi")
            if hasText {
                #expect(try await cluster.read(on: 0, untilText: "some") == "some")
            } else {
                while model.prompts.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
            }
            let stopped = try await cluster.tasks[1].stop(in: cluster.conversation)
            #expect(stopped)
            let seen = try await cluster.read(on: 1, until: .stopped)
            #expect(seen.text == (hasText ? "some" : ""))
            let again = try await cluster.tasks[1].stop(in: cluster.conversation)
            #expect(!again)
        }
    }

    @Test("the same prompt id is one turn, wherever and however often it is sent")
    func repeated() async throws {
        let model = ScriptedModel([.text("once"), .pause(.milliseconds(100))])
        try await withTasks(model, count: 3) { cluster in
            let id = MessageID.random()
            let turns = try await withThrowingTaskGroup(of: Turn.self) { group in
                for index in 0..<20 { group.addTask { try await cluster.begin(on: index % 3, "Hi", id: id) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(turns.map(\.answer.id)).count == 1)
            #expect(turns.filter { !$0.isRepeated }.count == 1)
            _ = try await cluster.read(on: 0, until: .complete)
            #expect(model.prompts.count == 1)
        }
    }

    @Test("a turn that was stored without a reply is answered, wherever its prompt is sent again")
    func storedInDoubt() async throws {
        let model = ScriptedModel([.text("answered")])
        let store = ForgetfulStore()
        try await withTasks(model, count: 2, store: store) { cluster in
            let id = MessageID.random()
            await store.forgetNextChange()
            await #expect(throws: ChatError.self) { try await cluster.begin(on: 0, "Hi", id: id) }
            let turn = try await cluster.begin(on: 1, "Hi", id: id)
            #expect(turn.isRepeated)
            let seen = try await cluster.read(on: 1, until: .complete)
            #expect(seen.text == "answered")
            #expect(model.prompts.count == 1)
        }
    }

    @Test("readers are shown no more than half a second of text that the store cannot take")
    func heldStore() async throws {
        let words = (0..<60).map { "word\($0) " }
        let model = ScriptedModel(words.flatMap { [.text($0), .pause(.milliseconds(50))] })
        let store = ForgetfulStore()
        try await withTasks(model, store: store) { cluster in
            try await cluster.begin(on: 0, "Hi")
            _ = try await cluster.read(on: 0, untilText: words[0])
            await store.hold(true)
            let kept = try await cluster.tasks[0].page(of: cluster.conversation, before: nil, limit: 1)
            try await Task.sleep(for: .seconds(2))
            let shown = try await cluster.shown(on: 0)
            #expect(words.joined().hasPrefix(shown))
            // Ten words are half a second; a few more, because clocks of a busy machine are late.
            let keptWords = kept.messages.last?.text.split(separator: " ").count ?? 0
            #expect(shown.split(separator: " ").count - keptWords <= 20, "of about 40 that were said")
            await store.hold(false)
            #expect(try await cluster.read(on: 0, until: .complete).whole == words.joined())
        }
    }

    @Test("a second turn is refused while one runs, and goes through afterwards")
    func secondTurn() async throws {
        let model = ScriptedModel([.gate, .text("a")], [.text("b")])
        try await withTasks(model) { cluster in
            try await cluster.begin(on: 0, "1")
            await #expect(throws: ChatError.self) { try await cluster.begin(on: 0, "2") }
            model.open()
            _ = try await cluster.read(on: 0, until: .complete)
            try await cluster.begin(on: 0, "2")
        }
    }

    @Test(
        "an answer whose task died is marked within two seconds in an open page, and makes way for a new turn"
    )
    func deadOwner() async throws {
        let model = ScriptedModel([.text("partial"), .pause(.seconds(600))], [.text("fresh")])
        try await withTasks(model, count: 2) { cluster in
            try await cluster.begin(on: 0, "Hi")
            #expect(try await cluster.read(on: 1, untilText: "partial") == "partial")
            // The first look for answers that nobody reads would end it, too; the next is half a minute away.
            try await Task.sleep(for: .milliseconds(Limits.sweepDelayMilliseconds * 2))
            let began = ContinuousClock.now
            cluster.liveness.kill(cluster.tasks[0].id)
            #expect(try await cluster.read(on: 1, until: .interrupted).text == "partial")
            // A second and a quarter where timers are on time.
            #expect(ContinuousClock.now - began < .seconds(8))
            try await cluster.begin(on: 1, "Again")
            #expect(try await cluster.read(on: 1, until: .complete).text == "fresh")
        }
    }

    @Test("a full volume is read all the same, also where a dead task's answer cannot be marked")
    func deadOwnerOnFullVolume() async throws {
        let store = ForgetfulStore()
        let model = ScriptedModel([.text("partial"), .pause(.seconds(600))])
        try await withTasks(model, count: 2, store: store) { cluster in
            try await cluster.begin(on: 0, "Hi")
            try await cluster.waitUntilStored(.running, text: "partial", isTextAwaited: true)
            await store.fill(true)
            cluster.liveness.kill(cluster.tasks[0].id)
            let page = try await cluster.tasks[1].page(of: cluster.conversation, before: nil, limit: 1)
            #expect(page.messages.last?.text == "partial" && page.messages.last?.state == .running)
            #expect(try await cluster.read(on: 1, untilText: "partial") == "partial")
            await store.fill(false)
            #expect(try await cluster.read(on: 1, until: .interrupted).text == "partial")
        }
    }

    @Test("a prompt sent where a dead task's answer is in the way goes through at once")
    func deadOwnerInTheWay() async throws {
        let model = ScriptedModel([.pause(.seconds(600))], [.text("fresh")])
        try await withTasks(model, count: 2) { cluster in
            try await cluster.begin(on: 0, "Hi")
            cluster.liveness.kill(cluster.tasks[0].id)
            try await cluster.begin(on: 1, "Again")
            #expect(try await cluster.read(on: 1, until: .complete).text == "fresh")
        }
    }

    @Test("a failed model leaves its text and its reason")
    func failure() async throws {
        let model = ScriptedModel([.text("half"), .fail(ModelError(.throttled, detail: "secret detail"))])
        try await withTasks(model) { cluster in
            try await cluster.begin(on: 0, "Hi")
            let seen = try await cluster.read(on: 0, until: .failed)
            #expect(seen.text == "half")
            #expect(seen.message.failure?.code == "throttled")
            #expect(seen.message.failure?.message.contains("secret") == false)
        }
    }

    @Test("leaving sends readers away, lets a short answer finish, and stores the rest as interrupted")
    func leaving() async throws {
        let short = ScriptedModel([.text("short"), .pause(.milliseconds(300)), .text(" end")])
        try await withTasks(short, drain: .seconds(60)) { cluster in
            try await cluster.begin(on: 0, "Hi")
            cluster.tasks[0].leave()
            #expect(try await cluster.isSentAway(on: 0))
            try await cluster.waitUntilStored(.complete, text: "short end")
            await #expect(throws: ChatError.self) { try await cluster.begin(on: 0, "late") }
        }
        let long = ScriptedModel([.text("long"), .pause(.seconds(600))])
        try await withTasks(long, drain: .milliseconds(200)) { cluster in
            try await cluster.begin(on: 0, "Hi")
            #expect(try await cluster.read(on: 0, untilText: "long") == "long")
            cluster.tasks[0].leave()
            try await cluster.waitUntilStored(.interrupted, text: "long")
        }
    }

    @Test("reset and delete end the readers' view and the running answer")
    func resetAndDelete() async throws {
        let model = ScriptedModel([.text("x"), .pause(.seconds(600))])
        try await withTasks(model, count: 2) { cluster in
            try await cluster.begin(on: 0, "Hi")
            #expect(try await cluster.read(on: 1, untilText: "x") == "x")
            _ = try await cluster.tasks[1].reset(cluster.conversation)
            try await cluster.waitUntilIdle(on: 0)
            let page = try await cluster.tasks[0].page(of: cluster.conversation, before: nil, limit: 10)
            #expect(page.messages.isEmpty)

            try await cluster.begin(on: 0, "Again")
            let reading = Task { try await cluster.readUntilGone(on: 1) }
            try await Task.sleep(for: .milliseconds(100))
            try await cluster.tasks[0].delete(cluster.conversation)
            try await reading.value
            try await cluster.waitUntilIdle(on: 0)
        }
    }

    @Test(
        "a task writes only so many answers at once, in all and of one session; one more is told so",
        arguments: [true, false])
    func tooManyAnswers(isOfSession: Bool) async throws {
        var limits = AnswerLimits()
        limits.perTaskMax = isOfSession ? 100 : 20
        limits.perSessionMax = isOfSession ? 20 : 100
        try await withTasks(ScriptedModel([.pause(.seconds(600))]), answerLimits: limits) { cluster in
            let task = cluster.tasks[0]
            let session = cluster.conversation.session
            let outcomes = try await withThrowingTaskGroup(of: ChatError.Code?.self) { group in
                for number in 0..<40 {
                    let id = try ConversationID(validating: "c\(number)")
                    _ = try await task.store.createConversation(
                        NewConversation(id: id), in: session, at: .now())
                    let place = ConversationReference(session: session, conversation: id)
                    group.addTask {
                        do {
                            _ = try await task.beginTurn(
                                promptID: .random(), text: "?", model: nil, in: place)
                            return nil
                        } catch let error as ChatError {
                            return error.code
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 == nil }.count == 20)
            #expect(outcomes.filter { $0 == .busy }.count == 20)
            var stored = 0
            for number in 0..<40 {
                let page = try await task.store.conversation(
                    ConversationID(validating: "c\(number)"), of: session, before: nil, limit: 1)
                stored += page.messages.count
            }
            #expect(stored == 20, "what was refused is not stored")
            let other = try await task.store.createSession(
                Session(id: SessionKey().sessionID, created: .now()))
            let place = ConversationReference(session: other.id, conversation: .random())
            _ = try await task.store.createConversation(
                NewConversation(id: place.conversation), in: other.id, at: .now())
            if isOfSession {
                _ = try await task.beginTurn(promptID: .random(), text: "?", model: nil, in: place)
            } else {
                await expectError(.busy) {
                    try await task.beginTurn(promptID: .random(), text: "?", model: nil, in: place)
                }
            }
        }
    }

    @Test("a reader that goes away leaves nothing behind")
    func cancelledReader() async throws {
        try await withTasks(ScriptedModel([.text("x")])) { cluster in
            let readers = (0..<50).map { _ in Task { try await cluster.read(on: 0, until: .failed) } }
            while cluster.tasks[0].readerCount < 50 { try await Task.sleep(for: .milliseconds(5)) }
            for reader in readers { reader.cancel() }
            for reader in readers { _ = await reader.result }
            #expect(cluster.tasks[0].readerCount == 0)
        }
    }
}
