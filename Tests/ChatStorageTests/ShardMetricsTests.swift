import ChatCore
import Testing

@testable import ChatStorage

/// Every number of a shard moves when what it counts happens.
@Suite("Metrics of shards")
struct ShardMetricsTests {
    private let file: VolumeShard

    init() async throws { file = try await VolumeShard() }

    @Test("operations, batches, commits and holds are counted, and who has the shard is known")
    func work() async throws {
        let shard = file.open(isAlone: true)
        try await withThrowingTaskGroup { group in
            for id in 0..<64 { group.addTask { try await shard.insert(id) } }
            try await group.waitForAll()
        }
        _ = try await shard.ids()
        let metrics = shard.metrics
        #expect(metrics.writes.count == 64 && metrics.reads.count == 1)
        #expect(metrics.writeBatches.count == shard.statistics.writeBatches)
        #expect(metrics.readBatches.count == shard.statistics.readBatches)
        #expect(metrics.commits.count == shard.statistics.writeBatches)
        #expect(metrics.lockWaits.count == shard.statistics.holds)
        #expect(shard.statistics.isHeld && shard.statistics.logBytes > 0)
        await shard.close()
        #expect(!shard.statistics.isHeld)
        #expect(metrics.lockHolds.count == shard.statistics.holds)
    }

    @Test("a shard that another task has is busy, and the wait for it is counted")
    func busy() async throws {
        let other = try await VolumeEngine().held(file.path, access: .readWrite)
        let shard = file.open()
        let insert = Task { try await shard.insert(1) }
        while shard.statistics.busy == 0 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(shard.statistics.waiting == 1 && !shard.statistics.isHeld)
        #expect(shard.metrics.lockWaits.count == 0)
        try VolumeEngine().release(other)
        try await insert.value
        #expect(shard.metrics.lockWaits.count == 1)
        #expect(shard.statistics.waiting == 0)
        await shard.close()
        try other.close()
    }

    @Test("a lock that was lost for good is counted, and what was not acknowledged runs again")
    func fenced() async throws {
        let faults = VolumeFaults(below: file.folder.path)
        let shard = file.open(isAlone: true)
        try await shard.insert(0)
        #expect(shard.statistics.fenced == 0)
        faults.loseLease()
        try await shard.insert(1)
        #expect(shard.statistics.fenced == 1)
        #expect(shard.metrics.writes.count == 2 && shard.metrics.errorCount(.unavailable) == 0)
        await shard.close()
    }

    @Test("a checkpoint is counted, and the log is short after it")
    func checkpoint() async throws {
        let shard = file.open(isAlone: true)
        let text = String(repeating: "b", count: 30_000)
        var longest = 0
        var id = 0
        while shard.statistics.checkpoints == 0, id < 2_000 {
            longest = max(longest, shard.statistics.logBytes)
            try await shard.insert(id, text)
            id += 1
        }
        #expect(shard.metrics.checkpoints.count == shard.statistics.checkpoints)
        #expect(longest > 1_000_000 && shard.statistics.logBytes < longest)
        await shard.close()
    }

    @Test("a shard that cannot be served says so, and again when it can")
    func refused() async throws {
        let shard = Shard(
            label: "ab", path: file.folder.path + "/none.db", engine: VolumeEngine(), logger: .silent)
        await #expect(throws: ChatError.self) { try await shard.insert(0) }
        #expect(shard.statistics.isRefused && shard.statistics.refusals == 1)
        #expect(shard.metrics.errorCount(.unavailable) == 1)
        let made = try await VolumeEngine().held(file.folder.path + "/none.db", access: .create)
        try made.run("CREATE TABLE t (id INTEGER PRIMARY KEY, value TEXT NOT NULL) STRICT")
        try made.close()
        try await shard.insert(0)
        #expect(!shard.statistics.isRefused)
        await shard.close()
    }

    @Test("the page has a line for each shard, by its name")
    func page() async throws {
        let store = SQLiteSessionStore(
            folder: file.folder.path, shardCount: 3, engine: VolumeEngine(), logger: .silent)
        let page = await MetricsPage.of([store]).text
        for shard in ["00", "01", "02"] {
            #expect(page.contains("stoa_shard_busy_total{shard=\"\(shard)\"} 0\n"))
        }
        #expect(store.refusedShards.isEmpty && store.shardsCount == 3)
        await store.close()
    }
}
