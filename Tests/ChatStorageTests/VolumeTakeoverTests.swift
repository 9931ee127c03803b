import ChatCore
import ChatTesting
import Logging
import Testing

@testable import ChatStorage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How long tasks wait for one another on the engine `volume`.
@Suite("Tasks that share a volume of the engine volume", .serialized)
struct VolumeTakeoverTests {
    private let folder: TemporaryVolume

    init() throws { folder = try TemporaryVolume() }

    private func volume(shards: Int) async throws -> Volume {
        let volume = try await Volume.openOrCreate(
            at: folder.folder + "/volume", store: .sqlite, engine: .volume, shards: shards)
        try await SQLiteSessionStore.migrate(volume)
        return volume
    }

    @Test("when the process that holds a shard is killed, another has it within 100 ms")
    func takeover() async throws {
        let volume = try await volume(shards: 1)
        let path = volume.shardFolder(0) + "/sessions.db"
        var waits = [Duration]()
        // Whatever waits for a timer or a lease does so each time; a busy machine does not.
        for round in 0..<10 where (waits.min() ?? .seconds(60)) >= .milliseconds(100) {
            let victim = try WorkerProcess(
                "hammer", volume.folder, "--store", "sqlite", "--engine", "volume", "--sessions", "1",
                "--clients", "8", "--seconds", "60", "--name", "victim\(round)", "--acks",
                "\(folder.folder)/victim\(round).acks")
            #expect(try await victim.nextLine() == "ready")
            try await Task.sleep(for: .milliseconds(300))
            // Held at this moment, since a loaded worker holds it most of the time.
            let taking = try Self.take(path)
            victim.kill()
            let killed = ContinuousClock.now
            try await victim.killAndWait()
            // A busy machine takes its time to end a process, which is not the shard's doing.
            let gone = ContinuousClock.now
            let (taken, answer) = try await taking.value
            #expect(answer == "ok")
            // What was taken in a rest of the victim proves nothing.
            if taken > killed { waits.append(gone.duration(to: taken)) }
        }
        print("taken after the end of the holder: \(waits)")
        #expect(try #require(waits.min()) < .milliseconds(100))
        for shard in 0..<volume.manifest.shards {
            #expect(try await SQLiteSessionStore.faults(of: shard, in: volume) == [])
        }
    }

    /// Tries every millisecond, on a thread of its own: other tests block the cooperative pool.
    private static func take(_ path: String) throws -> Task<(ContinuousClock.Instant, String?), any Error> {
        Task {
            try await BlockingLane(label: "take", jobsMax: 1).run(until: .now + .seconds(60)) {
                let connection = try VolumeEngine().open(path: path, access: .readWrite)
                while true {
                    do {
                        _ = try VolumeEngine().acquire(connection)
                        break
                    } catch let error as SQLiteError where error.code == .busy {
                        usleep(1_000)
                    }
                }
                let taken = ContinuousClock.now
                try VolumeEngine().prepare(connection)
                let answer = try connection.pragma("quick_check")
                try connection.close()
                return (taken, answer)
            }
        }
    }

    @Test("on 16 shards with random sessions no operation of two tasks misses its deadline")
    func waits() async throws {
        let volume = try await volume(shards: 16)
        let stores = [
            try SQLiteSessionStore(volume: volume, logger: .silent),
            try SQLiteSessionStore(volume: volume, logger: .silent),
        ]
        let longest = try await withThrowingTaskGroup(of: Duration.self) { group in
            for store in stores {
                for _ in 0..<16 {
                    group.addTask {
                        var longest = Duration.zero
                        let end = ContinuousClock.now + .seconds(3)
                        while ContinuousClock.now < end {
                            let session = Session(id: SessionKey().sessionID, created: .now())
                            let start = ContinuousClock.now
                            _ = try await store.createSession(session)
                            longest = max(longest, start.duration(to: .now))
                        }
                        return longest
                    }
                }
            }
            return try await group.reduce(.zero) { max($0, $1) }
        }
        let operations = stores.flatMap(\.statistics).reduce(0) { $0 + $1.operations }
        print("longest of \(operations) operations of two tasks: \(longest)")
        // 0.3 s when timers are on time; here other tests share two cores, so it only has to keep the
        // deadline of a request. The laboratory holds it to one second.
        #expect(longest < .milliseconds(Limits.storeWaitMilliseconds))
        for store in stores { await store.close() }
        for shard in 0..<volume.manifest.shards {
            #expect(try await SQLiteSessionStore.faults(of: shard, in: volume) == [])
        }
    }

    @Test("a task that lives alone keeps its shard; one that starts is noticed and gets it, too")
    func alone() async throws {
        let volume = try await volume(shards: 1)
        let presence = try await TaskPresence.start(.random(), on: volume)
        let store = try SQLiteSessionStore(volume: volume, presence: presence, logger: .silent)
        let session = Session(id: SessionKey().sessionID, created: .now())
        _ = try await store.createSession(session)
        while !presence.isAlone { try await Task.sleep(for: .milliseconds(10)) }
        let before = store.statistics[0].holds
        for _ in 0..<20 {
            _ = try await store.session(session.id)
            try await Task.sleep(for: .milliseconds(100))
        }
        let holds = store.statistics[0].holds - before
        // Two, and one more whenever this process stood still for longer than "alone" may be believed.
        #expect(holds <= 10, "\(holds) holds")

        let newcomer = try await TaskPresence.start(.random(), on: volume)
        let other = try SQLiteSessionStore(volume: volume, presence: newcomer, logger: .silent)
        let load = Task {
            while !Task.isCancelled {
                _ = try? await store.session(session.id)
                try? await Task.sleep(for: .milliseconds(2))
            }
        }
        let start = ContinuousClock.now
        _ = try await other.session(session.id)
        let waited = start.duration(to: .now)
        #expect(waited < .milliseconds(Limits.storeWaitMilliseconds), "\(waited)")
        let end = ContinuousClock.now + .seconds(30)
        while presence.isAlone, ContinuousClock.now < end { try await Task.sleep(for: .milliseconds(10)) }
        #expect(!presence.isAlone)
        load.cancel()
        await load.value
        await store.close()
        await other.close()
        await newcomer.end()
        await presence.end()
    }

    @Test("a shard is exported while a task serves it")
    func export() async throws {
        let volume = try await volume(shards: 2)
        let store = try SQLiteSessionStore(volume: volume, logger: .silent)
        let sessions = (0..<20).map { _ in Session(id: SessionKey().sessionID, created: .now()) }
        for session in sessions { _ = try await store.createSession(session) }
        var found = 0
        for shard in 0..<2 {
            let path = "\(folder.folder)/\(shard).db"
            try await SQLiteSessionStore.exportDatabase(of: shard, in: volume, to: path)
            let file = try Connection(OpenOptions(path: path, access: .readOnly))
            #expect(try file.pragma("integrity_check") == "ok")
            found +=
                try file.first("SELECT count(*) FROM session") { row throws(SQLiteError) in
                    try row.int(0)
                } ?? 0
        }
        #expect(found == 20)
        await store.close()
    }
}
