import ChatCore
import ChatTesting
import Testing

@Suite("Sweeping", .timeLimit(.minutes(5)))
struct SweepTests {
    @Test("an answer whose task died is ended by a task that starts, though nobody reads it")
    func nobodyReads() async throws {
        let model = ScriptedModel([.text("kept"), .pause(.seconds(600))])
        try await withTasks(model, count: 1) { cluster in
            try await cluster.begin(on: 0, "Hi")
            try await cluster.waitUntilStored(.running, text: "kept", isTextAwaited: true)
            let successor = ChatTask(
                id: .make(host: "next"), host: "next", store: cluster.tasks[0].store,
                catalogue: try ModelCatalogue([model]), liveness: cluster.liveness)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await successor.run(drain: .zero) }
                // The owner lives: whoever sweeps leaves it alone.
                try await Task.sleep(for: .milliseconds(Limits.sweepDelayMilliseconds * 2))
                try await cluster.waitUntilStored(.running, text: "kept")
                cluster.liveness.kill(cluster.tasks[0].id)
                successor.leave()
                try await group.waitForAll()
            }
            let last = ChatTask(
                id: .make(host: "last"), host: "last", store: cluster.tasks[0].store,
                catalogue: try ModelCatalogue([model]), liveness: cluster.liveness)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await last.run(drain: .zero) }
                try await cluster.waitUntilStored(.interrupted, text: "kept")
                #expect(last.readerCount == 0)
                last.leave()
                try await group.waitForAll()
            }
        }
    }
}
