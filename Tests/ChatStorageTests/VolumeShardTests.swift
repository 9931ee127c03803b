import CVolumeVFS
import ChatCore
import ChatTesting
import Logging
import Testing

@testable import ChatStorage

/// A shard of the engine `volume` in a folder of its own.
struct VolumeShard {
    let folder: TemporaryFolder
    var path: String { folder.path + "/test.db" }

    init() async throws {
        folder = try TemporaryFolder()
        let connection = try await VolumeEngine().held(path, access: .create)
        try connection.run("CREATE TABLE t (id INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT")
        try connection.close()
    }

    /// A task's way to it.
    func open(isAlone: Bool = false, _ change: (inout Shard.Bounds) -> Void = { _ in }) -> Shard {
        var bounds = Shard.Bounds()
        // Only who tests a deadline has one: a loaded machine is no failure.
        bounds.wait = .seconds(120)
        change(&bounds)
        return Shard(
            label: "test", path: path, engine: VolumeEngine(), bounds: bounds, logger: .silent,
            isAlone: { isAlone })
    }
}

extension Shard {
    /// As the store's operations are: the same again changes nothing.
    nonisolated func insert(_ id: Int, _ text: String = "x") async throws {
        _ = try await write { connection in
            try connection.run(
                "INSERT INTO t VALUES (?, ?) ON CONFLICT DO NOTHING", [.integer(id), .text(text)])
        }
    }

    nonisolated func ids() async throws -> [Int] {
        try await read { connection in
            try connection.rows("SELECT id FROM t ORDER BY id") { row throws(SQLiteError) in try row.int(0) }
        }
    }

    /// System calls so far, as NFS would count them: a file opened past the page cache needs none to sync.
    nonisolated func calls() async throws -> Int {
        let counts = try await read { $0.volumeStatus.counts }
        return Int(
            counts.locks + counts.unlocks + counts.reads + counts.writes + counts.stats + counts.truncates)
    }
}

@Suite("Shards of the engine volume")
struct VolumeShardTests {
    private let file: VolumeShard

    init() async throws { file = try await VolumeShard() }

    @Test("a hot append costs at most 1.5 calls, a hot read none, and 64 writers share far fewer")
    func hotCalls() async throws {
        let shard = file.open(isAlone: true)
        let text = String(repeating: "a", count: 1_000)
        try await shard.insert(0, text)
        var before = try await shard.calls()
        let holds = shard.statistics.holds
        for id in 1...200 { try await shard.insert(id, text) }
        let appends = Double(try await shard.calls() - before) / 200
        before = try await shard.calls()
        for _ in 0..<50 { _ = try await shard.ids() }
        let reads = try await shard.calls() - before
        // A slow machine may use up a hold, which costs three calls.
        let reacquired = 4 * (shard.statistics.holds - holds)
        #expect(reads <= reacquired, "\(reads) calls for 50 reads")
        #expect(appends <= 1.5, "\(appends) calls an append")
        before = try await shard.calls()
        let gate = Gate()
        try await withThrowingTaskGroup { group in
            // On a busy machine they do not come at once: the shard is kept until all wait.
            group.addTask { _ = try await shard.write { _ in gate.enter() } }
            while !gate.isEntered { try await Task.sleep(for: .milliseconds(5)) }
            for id in 1_000..<1_064 { group.addTask { try await shard.insert(id, text) } }
            while shard.statistics.waiting < 64 { try await Task.sleep(for: .milliseconds(5)) }
            gate.open()
            try await group.waitForAll()
        }
        let shared = Double(try await shard.calls() - before) / 64
        #expect(shared <= 0.3, "\(shared) calls a message")
        print("calls: \(appends) a hot append, \(reads) for 50 hot reads, \(shared) a message of 64 writers")
        await shard.close()
    }

    @Test("an append on a shard that changes hands costs at most 6 calls, a read 4")
    func coldCalls() async throws {
        let one = file.open()
        let two = file.open()
        for shard in [one, two] { try await shard.insert(0) }
        let before = [try await one.calls(), try await two.calls()]
        let holds = one.statistics.holds + two.statistics.holds
        for round in 0..<20 {
            try await one.insert(2 * round + 1)
            try await two.insert(2 * round + 2)
        }
        let after = [try await one.calls(), try await two.calls()]
        let taken = one.statistics.holds + two.statistics.holds - holds
        let calls = after[0] + after[1] - before[0] - before[1]
        print("calls: \(calls) for 40 cold appends and 2 reads in \(taken) holds")
        // A try that found the shard taken is a call, too, but not the operation's.
        #expect(calls <= 42 * 6 + one.statistics.busy + two.statistics.busy)
        #expect(try await one.ids().count == 41)
        await one.close()
        await two.close()
    }

    @Test("a long log is emptied while the shard is held, and never grows without bound")
    func checkpoints() async throws {
        let shard = file.open(isAlone: true)
        let text = String(repeating: "b", count: 30_000)
        for id in 0..<400 { try await shard.insert(id, text) }
        #expect(shard.statistics.checkpoints >= 2)
        let frames = try await shard.read { VolumeEngine().logFrames(of: $0) }
        #expect(frames < 1_300)
        await shard.close()
        #expect(try await file.open().ids().count == 400)
    }

    @Test("an idle shard is given back: soon while others live, later when this task lives alone")
    func lingers() async throws {
        let other = try VolumeEngine().open(path: file.path, access: .readWrite)
        for (isAlone, least, most) in [(false, 0.0, 5.0), (true, 0.2, 10.0)] {
            let shard = file.open(isAlone: isAlone)
            // The first hold found the other's changes.
            try await shard.insert(isAlone ? 1 : 2)
            try await Task.sleep(for: .milliseconds(20))
            try await shard.insert(isAlone ? 3 : 4)
            let start = ContinuousClock.now
            _ = try await retryingWhileBusy(until: .now + .seconds(30)) { try VolumeEngine().acquire(other) }
            let waited = start.duration(to: .now) / .seconds(1)
            #expect(waited >= least && waited < most, "\(waited) s")
            try VolumeEngine().release(other)
            await shard.close()
        }
    }

    @Test("operations one by one share the timer that gives the shard back")
    func lingersOnce() async throws {
        let shard = file.open(isAlone: true)
        var timers: Set<Task<Void, Never>> = []
        let start = ContinuousClock.now
        for id in 1...50 {
            try await shard.insert(id)
            if let timer = await shard.lingering?.task { timers.insert(timer) }
        }
        // A timer that finds an operation at work ends, and the next one begins after it: 250 ms later.
        let most = 10 + Int(start.duration(to: .now) / .milliseconds(250))
        #expect((1...most).contains(timers.count), "\(timers.count) timers")
        await shard.close()
    }

    @Test("closing gives the shard back at once")
    func closeReleases() async throws {
        let shard = file.open(isAlone: true)
        try await shard.insert(1)
        await shard.close()
        let other = try VolumeEngine().open(path: file.path, access: .readWrite)
        _ = try VolumeEngine().acquire(other)
    }

    @Test("a writer whom another task keeps out gets busy at its deadline, and nothing of it is done later")
    func deadline() async throws {
        let other = try await VolumeEngine().held(file.path)
        let shard = file.open { $0.wait = .milliseconds(300) }
        let error = await #expect(throws: ChatError.self) { try await shard.insert(1) }
        #expect(error?.code == .busy)
        try other.close()
        #expect(try await shard.ids() == [])
        await shard.close()
    }

    @Test("an ordinary SQLite connection is refused and does no harm, whatever it tries")
    func ordinarySQLite() async throws {
        let shard = file.open(isAlone: true)
        try await shard.insert(1)
        let other = try OtherProcess(file.path)
        for sql in [
            "SELECT * FROM t", "PRAGMA journal_mode = DELETE", "INSERT INTO t VALUES (9, 'y')", "VACUUM",
            "DROP TABLE t", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA user_version = 7",
        ] {
            let answer = try other.run(sql)
            #expect(
                answer.contains("not a database") || answer.contains("readonly") || answer == "busy",
                "\(sql): \(answer)")
        }
        try await shard.insert(2)
        await shard.close()
        let again = file.open()
        #expect(try await again.ids() == [1, 2])
        await again.close()
    }

    @Test("an export is an ordinary database file, readable by anybody's SQLite, and never overwrites one")
    func export() async throws {
        let shard = file.open()
        for id in 1...50 { try await shard.insert(id, String(repeating: "e", count: 5_000)) }
        let path = file.folder.path + "/an export?#100%.db"
        let connection = try await VolumeEngine().held(file.path)
        try connection.export(to: path)
        #expect(throws: SystemCallError.self) { try connection.export(to: path) }
        try connection.close()
        let python = try ChildProcess([
            "python3", "-c",
            """
            import sqlite3, sys
            db = sqlite3.connect(sys.argv[1])
            print(db.execute("PRAGMA integrity_check").fetchone()[0],
                  db.execute("SELECT count(*) FROM t").fetchone()[0],
                  db.execute("PRAGMA journal_mode").fetchone()[0])
            """, path,
        ])
        #expect(python.answer() == "ok 50 delete")
        try await shard.insert(51)
        await shard.close()
    }
}
