import ChatCore
import Logging
import Testing

@testable import ChatStorage

@Suite("Shards")
struct ShardTests {
    private let folder: TemporaryFolder
    private struct Stop: Error {}

    init() async throws {
        folder = try TemporaryFolder()
        try folder.connect().run("CREATE TABLE t (value TEXT NOT NULL) STRICT")
        let volume = try await VolumeEngine().held(folder.path + "/volume.db", access: .create)
        try volume.run("CREATE TABLE t (value TEXT NOT NULL) STRICT")
        try volume.close()
    }

    private func shard(
        _ tested: EngineUnderTest = .portable, _ change: (inout Shard.Bounds) -> Void = { _ in }
    ) -> Shard {
        var bounds = Shard.Bounds()
        // Only who tests a deadline has one: a loaded machine is no failure.
        bounds.wait = .seconds(120)
        change(&bounds)
        return Shard(
            label: "test", path: folder.path + (tested == .portable ? "/test.db" : "/volume.db"),
            engine: tested.engine, bounds: bounds, logger: .silent)
    }

    private func insert(_ text: String, in shard: Shard) async throws {
        _ = try await shard.write { connection in
            try connection.run("INSERT INTO t VALUES (?)", [.text(text)])
        }
    }

    private func count(in shard: Shard) async throws -> Int? {
        try await shard.read { connection in
            try connection.first("SELECT count(*) FROM t") { row throws(SQLiteError) in try row.int(0) }
        }
    }

    /// How often the file was committed, by SQLite's own counter in its header, which each commit of a
    /// rollback journal raises by one.
    private func commits() throws -> UInt32 {
        let bytes = try FileBytes.read(folder.path + "/test.db", count: 28)
        return bytes[24..<28].reduce(0) { $0 << 8 | UInt32($1) }
    }

    @Test("64 writers that wait share a commit, and all are kept")
    func groupCommit() async throws {
        let shard = shard()
        try await insert("first", in: shard)
        let before = try commits()
        let gate = Gate()
        try await withThrowingTaskGroup { group in
            group.addTask {
                try await shard.write { connection in
                    gate.enter()
                    try connection.run("INSERT INTO t VALUES ('second')")
                }
            }
            while !gate.isEntered { try await Task.sleep(for: .milliseconds(5)) }
            for number in 0..<64 { group.addTask { try await insert("\(number)", in: shard) } }
            while shard.statistics.waiting < 64 { try await Task.sleep(for: .milliseconds(5)) }
            gate.open()
            try await group.waitForAll()
        }
        let taken = try commits() - before
        #expect(taken == 2, "\(taken) commits")
        #expect(try await count(in: shard) == 66)
        #expect(UInt32(shard.statistics.writeBatches) == taken + 1)
        await shard.close()
    }

    @Test(
        "one operation's error is its own: the others of its batch are kept",
        arguments: EngineUnderTest.allCases)
    func errorsAreSeparate(_ tested: EngineUnderTest) async throws {
        let shard = shard(tested)
        let kept = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<40 {
                group.addTask {
                    do {
                        try await shard.write { connection in
                            try connection.run("INSERT INTO t VALUES (?)", [.text("\(number)")])
                            if number % 4 == 0 { throw Stop() }
                            if number % 4 == 1 { try connection.run("INSERT INTO t VALUES (NULL)") }
                        }
                        return true
                    } catch {
                        return false
                    }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(kept == 20)
        #expect(try await count(in: shard) == 20)
        await shard.close()
    }

    @Test(
        "an operation that costs the whole transaction does not cost the others their work",
        arguments: EngineUnderTest.allCases)
    func lostTransaction(_ tested: EngineUnderTest) async throws {
        let shard = shard(tested)
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let outcome: Void? = try? await shard.write { connection in
                        try connection.run("INSERT INTO t VALUES (?)", [.text("\(number)")])
                        if number == 7 {
                            // What SQLite does by itself after some errors.
                            try connection.run("ROLLBACK")
                            throw SQLiteError(code: .full, message: "database or disk is full")
                        }
                    }
                    return outcome != nil
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(outcomes == 19)
        #expect(try await count(in: shard) == 19)
        await shard.close()
    }

    @Test("a full queue answers busy at once")
    func fullQueue() async throws {
        let other = try OtherProcess(folder.path + "/test.db")
        #expect(try other.run("BEGIN EXCLUSIVE") == "ok")
        let shard = shard { $0.waitingMax = 4 }
        let waiting = (0..<4).map { number in Task { try await insert("\(number)", in: shard) } }
        while shard.statistics.waiting < 4 { try await Task.sleep(for: .milliseconds(5)) }
        let start = ContinuousClock.now
        let error = await #expect(throws: ChatError.self) { try await insert("one too many", in: shard) }
        #expect(error?.code == .busy)
        #expect(error?.retryAfterMilliseconds != nil)
        // The others wait for two minutes.
        #expect(ContinuousClock.now - start < .seconds(60))
        #expect(try other.run("ROLLBACK") == "ok")
        for task in waiting { try await task.value }
        #expect(try await count(in: shard) == 4)
        await shard.close()
    }

    @Test(
        "a writer whom another process keeps out gets busy at its deadline, and nothing of it is done later")
    func deadline() async throws {
        let other = try OtherProcess(folder.path + "/test.db")
        #expect(try other.run("BEGIN IMMEDIATE") == "ok")
        let shard = shard { $0.wait = .milliseconds(300) }
        let start = ContinuousClock.now
        let error = await #expect(throws: ChatError.self) { try await insert("late", in: shard) }
        let waited = ContinuousClock.now - start
        #expect(error?.code == .busy)
        #expect(waited >= .milliseconds(290) && waited < .seconds(60))
        await shard.close()
        // A reader is not kept out by a writer that has not begun to commit.
        let patient = self.shard()
        #expect(try await count(in: patient) == 0)
        #expect(try other.run("ROLLBACK") == "ok")
        try await insert("after", in: patient)
        #expect(try await count(in: patient) == 1)
        await patient.close()
    }

    @Test("a cancelled waiter leaves the queue")
    func cancellation() async throws {
        let other = try OtherProcess(folder.path + "/test.db")
        #expect(try other.run("BEGIN EXCLUSIVE") == "ok")
        let shard = shard()
        let waiting = Task { try await insert("never", in: shard) }
        while shard.statistics.busy == 0 { try await Task.sleep(for: .milliseconds(5)) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(!shard.queue.isWaiting(.write))
        #expect(try other.run("ROLLBACK") == "ok")
        #expect(try await count(in: shard) == 0)
        await shard.close()
    }

    @Test("a commit that a foreign reader holds up is completed when the reader leaves, not undone")
    func commitWaits() async throws {
        let other = try OtherProcess(folder.path + "/test.db")
        #expect(try other.run("BEGIN") == "ok")
        #expect(try other.run("SELECT count(*) FROM t") == "ok")
        let shard = shard()
        let writing = Task { try await insert("kept", in: shard) }
        try await Task.sleep(for: .milliseconds(200))
        #expect(shard.statistics.writeBatches == 0)
        #expect(try other.run("COMMIT") == "ok")
        try await writing.value
        #expect(shard.statistics.writeBatches == 1)
        #expect(try other.findsNoLock())
        await shard.close()
    }

    @Test(
        "closing in mid-use lets the running operation finish, refuses all others and frees the file"
    )
    func close() async throws {
        let shard = shard { $0.batchMax = 1 }
        let gate = Gate()
        let running = Task {
            try await shard.write { connection in
                gate.enter()
                try connection.run("INSERT INTO t VALUES ('running')")
            }
        }
        while !gate.isEntered { try await Task.sleep(for: .milliseconds(5)) }
        let waiting = Task { try await insert("waiting", in: shard) }
        while !shard.queue.isWaiting(.write) { try await Task.sleep(for: .milliseconds(5)) }
        let closing = Task { await shard.close() }
        let refused = await #expect(throws: ChatError.self) { try await waiting.value }
        #expect(refused?.code == .unavailable)
        gate.open()
        _ = try await running.value
        await closing.value
        let late = await #expect(throws: ChatError.self) { try await insert("late", in: shard) }
        #expect(late?.code == .unavailable)
        await shard.close()
        #expect(try OtherProcess(folder.path + "/test.db").findsNoLock())
        #expect(
            try folder.connect().first("SELECT count(*) FROM t") { row throws(SQLiteError) in try row.int(0) }
                == 1)
    }

    @Test(
        "a shard that hangs answers its callers at the deadline and says that the outcome is open",
        arguments: EngineUnderTest.allCases)
    func hangingShard(_ tested: EngineUnderTest) async throws {
        let shard = shard(tested) { $0.wait = .seconds(4) }
        // Opening takes its time on a busy machine; what is tested is an operation that has begun.
        try await insert("first", in: shard)
        let gate = Gate()
        let hanging = Task {
            try await shard.write { connection in
                gate.enter()
                try connection.run("INSERT INTO t VALUES ('slow')")
            }
        }
        let error = await #expect(throws: ChatError.self) { try await hanging.value }
        #expect(error?.code == .unavailable)
        let second = await #expect(throws: ChatError.self) { try await insert("behind", in: shard) }
        #expect(second?.code == .busy)
        gate.open()
        await shard.close()
    }

    @Test(
        "a reader waits for no more than one batch of writes",
        arguments: EngineUnderTest.allCases)
    func readersGetTheirTurn(_ tested: EngineUnderTest) async throws {
        let shard = shard(tested) { $0.batchMax = 1 }
        let order = Record()
        let gate = Gate()
        let first = Task { try await shard.write { _ in gate.enter() } }
        while !gate.isEntered { try await Task.sleep(for: .milliseconds(5)) }
        let writers = (0..<5).map { number in
            Task { try await shard.write { _ in order.add("write") } }
        }
        let reader = Task { try await shard.read { _ in order.add("read") } }
        while shard.statistics.waiting < 6 { try await Task.sleep(for: .milliseconds(5)) }
        gate.open()
        for task in writers + [first, reader] { try await task.value }
        let place = order.lines.firstIndex(of: "read")
        #expect(place.map { $0 <= 1 } == true)
        await shard.close()
    }

    @Test("the file is not held between two operations")
    func noLockBetweenOperations() async throws {
        let other = try OtherProcess(folder.path + "/test.db")
        let shard = shard()
        try await insert("one", in: shard)
        #expect(try other.findsNoLock())
        _ = try await count(in: shard)
        #expect(try other.findsNoLock())
        await #expect(throws: Stop.self) { try await shard.write { _ in throw Stop() } }
        await #expect(throws: Stop.self) { try await shard.read { _ in throw Stop() } }
        #expect(try other.findsNoLock())
        await shard.close()
    }
}
