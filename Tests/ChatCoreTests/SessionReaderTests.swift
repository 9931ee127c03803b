import ChatCore
import ChatTesting
import Testing

@Suite("Following a session", .timeLimit(.minutes(5)))
struct SessionReaderTests {
    /// What a window's list holds.
    private struct Window {
        var titles: [ConversationID: String] = [:]
        var running: Set<ConversationID> = []
        var wholeLists = 0

        mutating func follow(
            _ cluster: TaskCluster, on task: Int, from version: Int = 0,
            until isDone: (Window) -> Bool
        ) async throws -> Int {
            var window = self
            defer { self = window }
            return try await cluster.tasks[task].withReader(
                of: cluster.conversation.session, from: version
            ) { reader in
                while !isDone(window) {
                    if case .changes(let changes) = try await reader.next() { window.take(changes) }
                }
                return reader.version
            }
        }

        private mutating func take(_ changes: SessionChanges) {
            if changes.isWhole {
                titles = [:]
                running = []
                wholeLists += 1
            }
            for conversation in changes.conversations {
                titles[conversation.id] = conversation.title
                if conversation.runningAnswer != nil {
                    running.insert(conversation.id)
                } else {
                    running.remove(conversation.id)
                }
            }
            for id in changes.removed {
                titles[id] = nil
                running.remove(id)
            }
        }
    }

    @Test("what any task does to a session's conversations is seen on any task", arguments: 0..<2)
    func anyTask(reading: Int) async throws {
        let model = ScriptedModel([.gate, .text("a")])
        try await withTasks(model, count: 2) { cluster in
            let session = cluster.conversation.session
            let first = cluster.conversation.conversation
            var window = Window()
            let began = ContinuousClock.now
            var version = try await window.follow(cluster, on: reading) { $0.titles[first] == "" }
            try await cluster.begin(on: 0, "Hello")
            version = try await window.follow(cluster, on: reading, from: version) { $0.running == [first] }
            #expect(window.titles[first] == "Hello")
            model.open()
            version = try await window.follow(cluster, on: reading, from: version) { $0.running.isEmpty }
            let second = try await cluster.tasks[0].create(
                try NewConversation(id: .random(), title: "Second"), in: session
            ).conversation.id
            version = try await window.follow(cluster, on: reading, from: version) {
                $0.titles[second] == "Second"
            }
            _ = try await cluster.tasks[0].update(
                ConversationReference(session: session, conversation: second),
                with: try ConversationPatch(title: "Renamed"))
            version = try await window.follow(cluster, on: reading, from: version) {
                $0.titles[second] == "Renamed"
            }
            try await cluster.tasks[0].delete(cluster.conversation)
            _ = try await window.follow(cluster, on: reading, from: version) {
                Array($0.titles.keys) == [second]
            }
            // Seven looks of half a second each, where timers are on time.
            #expect(ContinuousClock.now - began < .seconds(30))
        }
    }

    @Test("a reader that stays is told of changes only, and of one beyond its page that it still exists")
    func changesOnly() async throws {
        try await withTasks(ScriptedModel([])) { cluster in
            let task = cluster.tasks[0], session = cluster.conversation.session
            try await task.withReader(of: session, from: 0) { reader in
                guard case .changes(let all) = try await reader.next() else { throw ChatError.closed }
                #expect(all.isWhole && all.conversations.count == 1 && !all.isMore)
                var told: Set<ConversationID> = []
                // Conversations of one millisecond are in the order of their ids.
                try await Task.sleep(for: .milliseconds(5))
                for number in 0..<Limits.followedConversationsMax {
                    let new = try NewConversation(id: .random(), title: "\(number)")
                    _ = try await task.create(new, in: session)
                    guard case .changes(let changes) = try await reader.next() else {
                        throw ChatError.closed
                    }
                    #expect(!changes.isWhole && changes.removed.isEmpty)
                    told.formUnion(changes.conversations.map(\.id))
                }
                #expect(told.count == Limits.followedConversationsMax)
                try await task.delete(cluster.conversation)
                let gone = try #require(told.first)
                try await task.delete(ConversationReference(session: session, conversation: gone))
                guard case .changes(let changes) = try await reader.next() else { throw ChatError.closed }
                #expect(changes.removed == [gone], "the other one had left the page before")
            }
        }
    }
}
