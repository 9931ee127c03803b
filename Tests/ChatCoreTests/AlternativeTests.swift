import ChatCore
import ChatTesting
import Testing

@Suite("Alternatives and their readers", .timeLimit(.minutes(5)))
struct AlternativeTests {
    /// A page that does what it is told.
    private struct Page {
        var messages: [Message] = []
        var cursor = Cursor.start

        var texts: [String] { messages.map(\.text) }

        mutating func follow(_ cluster: TaskCluster, on task: Int, until texts: [String]) async throws {
            var page = self
            defer { self = page }
            try await cluster.tasks[task].withReader(of: cluster.conversation, from: cursor) { reader in
                while page.texts != texts || page.messages.last?.state == .running {
                    page.take(try await reader.next())
                    page.cursor = reader.cursor
                }
            }
        }

        private mutating func take(_ event: ConversationReader.Event) {
            switch event {
            case .changes(let changes):
                if changes.isReset { messages = [] }
                if let position = changes.droppedAfter { messages.removeAll { $0.position > position } }
                for message in changes.messages {
                    messages.removeAll { $0.id == message.id }
                    messages.append(message)
                }
                messages.sort { $0.position < $1.position }
                if let growth = changes.growth { grow(growth) }
            case .growth(let growth, _): grow(growth)
            default: break
            }
        }

        private mutating func grow(_ growth: AnswerGrowth) {
            guard let index = messages.firstIndex(where: { $0.id == growth.message }) else { return }
            #expect(messages[index].text.utf8.count == growth.offset)
            messages[index].text += growth.text
        }
    }

    @Test(
        "a page on any task shows what is said anew on another one, and what is stepped to", arguments: 0..<2)
    func anyTask(reading: Int) async throws {
        let model = ScriptedModel(
            [.text("one")], [.text("tw"), .pause(.milliseconds(300)), .text("o")], [.text("three")])
        try await withTasks(model, count: 2) { cluster in
            let first = try await cluster.begin(on: 0, "Hi")
            var page = Page()
            try await page.follow(cluster, on: reading, until: ["Hi", "one"])
            let again = MessageID.random()
            for task in [0, 1, 0] {
                let turn = try await cluster.tasks[task].retryAnswer(
                    to: first.answer.id, answerID: again, model: nil, in: cluster.conversation)
                #expect(turn.answer.id == again && turn.answer.owner?.task == cluster.tasks[0].id)
            }
            try await page.follow(cluster, on: reading, until: ["Hi", "two"])
            #expect(page.messages[1].alternatives == [first.answer.id, again])
            _ = try await cluster.tasks[0].beginTurn(
                promptID: .random(), text: "Hello", model: nil, replacing: first.prompt.id,
                in: cluster.conversation)
            try await page.follow(cluster, on: reading, until: ["Hello", "three"])
            _ = try await cluster.tasks[0].update(
                cluster.conversation, with: try ConversationPatch(shown: first.answer.id))
            try await page.follow(cluster, on: reading, until: ["Hi", "one"])
            #expect(model.prompts.map { $0.messages.map(\.text) } == [["Hi"], ["Hi"], ["Hello"]])
        }
    }

    @Test("a retry that is sent many times at once asks the model once")
    func once() async throws {
        let model = ScriptedModel([.text("one")], [.text("two"), .pause(.milliseconds(100))])
        try await withTasks(model, count: 3) { cluster in
            let first = try await cluster.begin(on: 0, "Hi")
            _ = try await cluster.read(on: 0, until: .complete)
            let again = MessageID.random()
            let turns = try await withThrowingTaskGroup(of: Turn.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        try await cluster.tasks[index % 3].retryAnswer(
                            to: first.prompt.id, answerID: again, model: nil, in: cluster.conversation)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(turns.filter { !$0.isRepeated }.count == 1)
            try await cluster.waitUntilStored(.complete, text: "two")
            for task in 0..<3 { try await cluster.waitUntilIdle(on: task) }
            #expect(model.prompts.count == 2)
        }
    }
}
