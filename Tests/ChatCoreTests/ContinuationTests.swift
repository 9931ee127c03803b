import ChatCore
import ChatTesting
import Testing

@Suite("Answers that go on", .timeLimit(.minutes(5)))
struct ContinuationTests {
    @Test("an answer whose task died goes on, on another task, from the text that was kept")
    func afterDeath() async throws {
        let model = ScriptedModel(
            [.text("one "), .pause(.seconds(600))],
            [.text("two "), .pause(.milliseconds(400)), .text("three")])
        try await withTasks(model, count: 2) { cluster in
            try await cluster.begin(on: 0, "Hi")
            _ = try await cluster.read(on: 1, untilText: "one ")
            cluster.liveness.kill(cluster.tasks[0].id)
            _ = try await cluster.read(on: 1, until: .interrupted)
            let turn = try await cluster.goOn(on: 1)
            #expect(turn.answer.owner?.epoch == 2 && turn.answer.owner?.task == cluster.tasks[1].id)
            #expect(try await cluster.read(on: 0, until: .complete).text == "one two three")
            let page = try await cluster.tasks[0].page(of: cluster.conversation, before: nil, limit: 9)
            #expect(page.messages.map(\.text) == ["Hi", "one two three"])
            let asked = try #require(model.prompts.last)
            #expect(asked.messages.map(\.text) == ["Hi", "one ", ModelPrompt.continuation])
        }
    }

    @Test("an answer that was stopped goes on at once on the same task, and can be stopped again")
    func afterStop() async throws {
        let model = ScriptedModel([.text("a"), .pause(.seconds(600))])
        try await withTasks(model) { cluster in
            try await cluster.begin(on: 0, "Hi")
            for round in 1...5 {
                let text = String(repeating: "a", count: round)
                #expect(try await cluster.read(on: 0, untilText: text) == text)
                #expect(try await cluster.tasks[0].stop(in: cluster.conversation))
                #expect(try await cluster.read(on: 0, until: .stopped).text == text)
                try await cluster.goOn(on: 0)
            }
            #expect(try await cluster.read(on: 0, untilText: "aaaaaa") == "aaaaaa")
        }
    }

    @Test("sent many times at once to many tasks, the model is asked once")
    func once() async throws {
        let model = ScriptedModel(
            [.text("half"), .fail(ModelError(.cutOff))], [.text(" way"), .pause(.milliseconds(200))])
        try await withTasks(model, count: 3) { cluster in
            try await cluster.begin(on: 0, "Hi")
            let answer = try await cluster.read(on: 0, until: .failed).message
            let turns = try await withThrowingTaskGroup(of: Turn.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        try await cluster.tasks[index % 3].continueAnswer(
                            answer.id, version: answer.version, in: cluster.conversation)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(turns.filter { !$0.isRepeated }.count == 1)
            #expect(try await cluster.read(on: 1, until: .complete).text == "half way")
            let late = try await cluster.tasks[2].continueAnswer(
                answer.id, version: answer.version, in: cluster.conversation)
            #expect(late.isRepeated && late.answer.state == .complete)
            try await cluster.waitUntilIdle(on: 2)
            #expect(model.prompts.count == 2)
        }
    }

    @Test("an answer whose model is no longer offered does not begin to run")
    func modelGone() async throws {
        let model = ScriptedModel([.text("half"), .fail(ModelError(.cutOff))])
        try await withTasks(model) { cluster in
            try await cluster.begin(on: 0, "Hi")
            let answer = try await cluster.read(on: 0, until: .failed).message
            let other = ChatTask(
                id: .make(host: "other"), host: "other", store: cluster.tasks[0].store,
                catalogue: try ModelCatalogue([ScriptedModel(id: "another")]), liveness: cluster.liveness)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await other.run(drain: .zero) }
                await expectError(.invalid) {
                    try await other.continueAnswer(
                        answer.id, version: answer.version, in: cluster.conversation)
                }
                other.leave()
                try await group.waitForAll()
            }
            #expect(try await cluster.read(on: 0, until: .failed).text == "half")
        }
    }
}
