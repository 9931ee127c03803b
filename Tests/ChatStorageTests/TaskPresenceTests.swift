import ChatCore
import ChatStorage
import ChatTesting
import Foundation
import Testing

@Suite("TaskPresence")
struct TaskPresenceTests {
    let folder: TemporaryVolume
    let volume: Volume

    init() async throws {
        folder = try TemporaryVolume()
        volume = try await Volume.create(at: folder.folder, store: .files)
    }

    /// Asks until the answer is no, for half a minute at most.
    private func isSeenDead(_ task: TaskID, by presence: TaskPresence) async throws -> Bool {
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            if try await !presence.isAlive(task) { return true }
            try await Task.sleep(for: .milliseconds(10))
        }
        return false
    }

    @Test("a task is alive from its start to its end, to itself and to others")
    func lifetime() async throws {
        let one = try await TaskPresence.start(.random(), on: volume)
        let two = try await TaskPresence.start(.random(), host: "elsewhere", on: volume)
        #expect(try await one.isAlive(one.task))
        #expect(try await one.isAlive(two.task))
        #expect(try await two.isAlive(one.task))
        let text = String(decoding: try folder.read("tasks/\(two.task)"), as: UTF8.self)
        #expect(text.contains(#""host":"elsewhere""#) && text.contains(#""pid":\#(getpid())"#))
        await two.end()
        #expect(try await isSeenDead(two.task, by: one))
        #expect(try folder.files().filter { $0.hasPrefix("tasks/") } == ["tasks/\(one.task)"])
        await two.end()
        #expect(try await one.isAlive(one.task))
        await one.end()
    }

    @Test("a task nobody has heard of is dead")
    func unknown() async throws {
        let presence = try await TaskPresence.start(.random(), on: volume)
        #expect(try await presence.isAlive(.random()) == false)
        await presence.end()
    }

    @Test("an id is taken while its task lives")
    func taken() async throws {
        let presence = try await TaskPresence.start(.random(), on: volume)
        await #expect {
            _ = try await TaskPresence.start(presence.task, on: volume)
        } throws: { ($0 as? VolumeError)?.code == .taskIDTaken }
        #expect(try await presence.isAlive(presence.task))
        await presence.end()
    }

    @Test("a killed process is dead at once, and its file goes with the next start")
    func killed() async throws {
        let task = TaskID.random()
        let worker = try WorkerProcess("present", folder.folder, task.rawValue)
        #expect(try await worker.nextLine() == "present")
        let presence = try await TaskPresence.start(.random(), on: volume)
        for _ in 0..<5 {
            #expect(try await presence.isAlive(task))
            try await Task.sleep(for: .milliseconds(60))
        }
        try await worker.killAndWait()
        #expect(try await isSeenDead(task, by: presence))
        #expect(try folder.files().contains("tasks/\(task)"))
        let next = try await TaskPresence.start(.random(), on: volume)
        #expect(try folder.files().contains("tasks/\(task)") == false)
        #expect(try await next.isAlive(task) == false)
        #expect(try await next.isAlive(presence.task))
        await next.end()
        await presence.end()
    }

    @Test("many who ask about a dead task at once all hear that it is dead")
    func manyAskers() async throws {
        let task = TaskID.random()
        let worker = try WorkerProcess("present", folder.folder, task.rawValue)
        #expect(try await worker.nextLine() == "present")
        var askers = [TaskPresence]()
        for _ in 0..<8 { askers.append(try await TaskPresence.start(.random(), on: volume)) }
        try await worker.killAndWait()
        for _ in 0..<5 {
            let answers = try await withThrowingTaskGroup(of: Bool.self) { group in
                for asker in askers { group.addTask { try await asker.isAlive(task) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { !$0 })
            try await Task.sleep(for: .milliseconds(TaskPresence.answerMillisecondsMax + 10))
        }
        for asker in askers { await asker.end() }
    }

    @Test("tasks that start at once while others clean up keep their files")
    func startsAndCleaning() async throws {
        let volume = volume
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let presence = try await TaskPresence.start(.random(), on: volume)
                    let watcher = try await TaskPresence.start(.random(), on: volume)
                    #expect(try await watcher.isAlive(presence.task))
                    await watcher.end()
                    await presence.end()
                }
            }
            try await group.waitForAll()
        }
        #expect(try folder.files().filter { $0.hasPrefix("tasks/") }.isEmpty)
    }

    @Test("a doubt is thrown, not answered")
    func doubt() async throws {
        let presence = try await TaskPresence.start(.random(), on: volume)
        let odd = TaskID.random()
        // A folder where the lock's file should be: it cannot be opened for writing, so nothing is known.
        try FileManager.default.createDirectory(
            atPath: "\(volume.tasksFolder)/\(odd)", withIntermediateDirectories: false)
        await expectError(.unavailable) { try await presence.isAlive(odd) }
        await presence.end()
    }
}
