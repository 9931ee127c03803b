import ChatCore
import ChatStorage
import ChatTesting
import Testing

@testable import stoa_bench

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Whole runs on a local folder.
@Suite(.serialized) struct BenchTests {
    private let volume: TemporaryVolume

    init() throws { volume = try TemporaryVolume() }

    private func run(_ plan: Plan, host: Int = 0, hosts: Int = 1, meeting: Meeting? = nil) async throws
        -> BenchRun
    {
        let bench = Bench(
            plan, at: StorePlace(folder: volume.folder, shards: 2, redis: nil, postgres: nil),
            environment: HostEnvironment(volume: volume.folder), meeting: meeting, host: host, hosts: hosts,
            progress: RunProgress(total: 1, expected: 1, isQuiet: true), interruption: Interruption())
        return try await bench.measure()
    }

    private func plan(_ stores: [StoreKind], _ workloads: [Workload]) -> Plan {
        var plan = Plan(id: "test", stores: stores, workloads: workloads)
        plan.clients = 2
        plan.rounds = 2
        plan.length = .count(2)
        plan.warmUp = .milliseconds(10)
        plan.settle = .milliseconds(1)
        return plan
    }

    @Test("every store on the volume does every short workload, and nothing fails")
    func everything() async throws {
        let stores = StoreKind.allCases.filter { $0.isOnVolume || $0 == .memory }
        let run = try await run(plan(stores, [.append, .open, .list, .turn, .mixed, .hot]))
        #expect(run.notes.isEmpty)
        #expect(run.cells.count == stores.count * 6)
        for cell in run.cells {
            // Two clients in one file without a lock lose each other's turns: that is the pattern's nature.
            if cell.key.store == .naiveFiles && cell.key.workload == .hot { continue }
            #expect(cell.rounds.count == 2)
            #expect(cell.rounds.allSatisfy { $0.operations == 4 && $0.failures.isEmpty }, "\(cell)")
        }
    }

    @Test("conversations and volumes grow to their points")
    func growth() async throws {
        var plan = plan([.volume, .files], [.long])
        plan.turnsMax = 10
        plan.longTurns = 2
        let run = try await run(plan)
        #expect(run.notes.isEmpty)
        #expect(run.cells.map(\.key.point) == [1, 1, 10, 10])
        #expect(run.cells.allSatisfy { $0.rounds.allSatisfy { $0.operations == 2 } })
    }

    @Test("workers meet on the volume, start together, and their results add up")
    func meeting() async throws {
        let plan = plan([.volume, .files], [.append])
        let folder = volume.folder + "/meeting"
        let runs = try await withThrowingTaskGroup(of: BenchRun.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    let meeting = Meeting(folder: folder, count: 2, patience: .seconds(60))
                    let number = try await meeting.join()
                    return try await run(plan, host: number, hosts: 2, meeting: meeting)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let merged = try BenchRun.merged(runs)
        #expect(merged.hosts.count == 2)
        #expect(merged.cells.count == 2)
        for summary in merged.summaries {
            #expect(summary.operations == 2 * 2 * 2 * 2)
            #expect(summary.roundsCount == 2)
        }
        await #expect(throws: Refusal.self) {
            try await Meeting(folder: folder, count: 2, patience: .milliseconds(200)).join()
        }
    }

    @Test("a worker whose colleagues do not come says so")
    func alone() async {
        let meeting = Meeting(folder: volume.folder + "/alone", count: 2, patience: .milliseconds(200))
        await #expect(throws: Refusal.self) { try await meeting.join() }
    }

    @Test("a torn file is no session any more, and says so")
    func torn() async throws {
        let store = NaiveFileStore(folder: volume.folder)
        let session = Session(id: BenchClient.session("x"), created: .now())
        _ = try await store.createSession(session)
        let file = try #require(try volume.files().first)
        let whole = try volume.read(file)
        try volume.write(whole.dropLast(), to: file)
        await #expect { try await store.session(session.id) } throws: {
            ($0 as? ChatError)?.code == .internal
        }
    }
}
