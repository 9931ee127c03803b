import CVolumeVFS
import ChatCore
import Logging
import Synchronization
import Testing

@testable import ChatStorage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite("The engine volume when the volume fails")
struct VolumeFaultTests {
    private let file: VolumeShard
    private let faults: VolumeFaults

    init() async throws {
        file = try await VolumeShard()
        faults = VolumeFaults(below: file.folder.path)
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let call: VolumeFaults.Call
        let error: Int32
        var after = false
        var testDescription: String { "\(call) \(error)\(after ? " after it was done" : "")" }
    }

    private static let commitFaults = [
        Fault(call: .write, error: EIO), Fault(call: .write, error: EIO, after: true),
        Fault(call: .write, error: ESTALE), Fault(call: .sync, error: EIO),
        Fault(call: .sync, error: EIO, after: true), Fault(call: .sync, error: ENOSPC),
        Fault(call: .write, error: EDQUOT, after: true),
    ]

    @Test(
        "a commit that fails in doubt is settled by opening anew and doing it again: acknowledged, and once",
        arguments: commitFaults)
    func commitInDoubt(_ fault: Fault) async throws {
        let shard = file.open(isAlone: true)
        try await shard.insert(0)
        faults.fail(fault.call, fault.error, after: fault.after)
        try await withThrowingTaskGroup { group in
            for id in 1...16 { group.addTask { try await shard.insert(id) } }
            try await group.waitForAll()
        }
        #expect(try await shard.ids() == Array(0...16))
        #expect(shard.statistics.losses == 1)
        #expect(shard.statistics.openings == 2)
        await shard.close()
    }

    @Test("files that a lost lease made useless are closed and opened anew, for writers and for readers")
    func lostLease() async throws {
        let shard = file.open(isAlone: true)
        try await shard.insert(0)
        faults.loseLease()
        try await shard.insert(1)
        #expect(shard.statistics.openings == 2)
        // An idle shard learns it when it is taken or given back.
        faults.loseLease()
        try await Task.sleep(for: .milliseconds(2_500))
        #expect(try await shard.ids() == [0, 1])
        #expect(shard.statistics.openings == 3)
        await shard.close()
    }

    @Test("a holder that has not heard from the volume for long asks it before it answers from memory")
    func verifies() async throws {
        let engine = VolumeEngine()
        let connection = try await engine.held(file.path)
        try await Task.sleep(for: .milliseconds(VolumeEngine.contactMillisecondsMax + 100))
        let before = connection.volumeStatus.counts.reads
        try engine.verify(connection)
        #expect(connection.volumeStatus.counts.reads == before + 1)
        try engine.verify(connection)
        #expect(connection.volumeStatus.counts.reads == before + 1)
        try await Task.sleep(for: .milliseconds(VolumeEngine.contactMillisecondsMax + 100))
        faults.loseLease()
        let error = #expect(throws: SQLiteError.self) { try engine.verify(connection) }
        #expect(error.map { engine.remedy(for: $0, on: connection) } == .reopen)
    }

    @Test("a task that slept while its lease ended answers nobody from its memory, not even with an error")
    func sleeper() async throws {
        struct Refusal: Error {}
        let shard = file.open(isAlone: true)
        try await shard.insert(0)
        let faults = faults
        let runs = Mutex(0)
        /// Sleeps and loses its lease the first time.
        @Sendable func sleepOnce() {
            guard
                runs.withLock({
                    $0 += 1; return $0
                }) == 1
            else { return }
            usleep(UInt32(VolumeEngine.contactMillisecondsMax + 100) * 1_000)
            faults.loseLease()
        }
        let isThere = try await shard.read { connection in
            sleepOnce()
            return try connection.first("SELECT 1 FROM t") { row throws(SQLiteError) in try row.int(0) } == 1
        }
        #expect(isThere && runs.withLock { $0 } == 2)
        runs.withLock { $0 = 0 }
        await #expect(throws: Refusal.self) {
            try await shard.write { _ in
                sleepOnce()
                throw Refusal()
            }
        }
        #expect(runs.withLock { $0 } == 2)
        #expect(shard.statistics.losses == 2)
        await shard.close()
    }

    @Test("a volume that stays away ends in unavailable, not in a hang, and is used again when it is back")
    func staysAway() async throws {
        let shard = file.open()
        try await shard.insert(0)
        faults.fail(.lock, EIO, count: .max)
        faults.loseLease()
        let error = await #expect(throws: ChatError.self) { try await shard.insert(1) }
        #expect(error?.code == .unavailable)
        faults.heal()
        try await shard.insert(2)
        #expect(try await shard.ids() == [0, 2])
        await shard.close()
    }

    @Test("a full volume refuses the operation for good, keeps the connection, and works when there is room")
    func full() async throws {
        let shard = file.open(isAlone: true)
        try await shard.insert(0)
        // Larger than what is allocated: the log must grow before the commit, and cannot.
        faults.fail(.write, ENOSPC, count: .max)
        let error = await #expect(throws: ChatError.self) {
            try await shard.insert(1, String(repeating: "f", count: 600_000))
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("full") == true)
        #expect(shard.statistics.losses == 0)
        faults.heal()
        try await shard.insert(2)
        #expect(try await shard.ids() == [0, 2])
        #expect(shard.statistics.openings == 1)
        await shard.close()
    }

    @Test("a checkpoint that fails is nobody's error")
    func failingCheckpoint() async throws {
        let shard = file.open(isAlone: true)
        let text = String(repeating: "c", count: 30_000)
        for id in 0..<100 { try await shard.insert(id, text) }
        faults.fail(.sync, EIO, skip: 1, count: 1)
        for id in 100..<400 { try await shard.insert(id, text) }
        #expect(try await shard.ids().count == 400)
        await shard.close()
    }

    @Test("a file system without open-file locks is refused with the choice to make")
    func noLocks() async throws {
        let shard = file.open()
        faults.fail(.lock, EINVAL, count: .max)
        let error = await #expect(throws: ChatError.self) { try await shard.insert(0) }
        #expect(error?.message.contains("--engine portable") == true)
        await shard.close()
    }
}
