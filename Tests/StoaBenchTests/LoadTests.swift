import ChatCore
import Testing

@testable import stoa_bench

/// Loops against a store in memory, whose time is all the loop's own. Nothing here compares seconds with a
/// bound that a busy machine could break: counts, and latencies against the length of an injected stall.
@Suite(.serialized) struct LoadTests {
    private func clients(_ count: Int, _ workload: Workload = .append) async throws -> [BenchClient] {
        let candidate = SessionStoreCandidate(MemorySessionStore())
        var clients = (0..<count).map {
            BenchClient(
                workload, WorkloadShape(), on: candidate, run: "r", host: 0, number: $0, round: 0, point: 0,
                seed: 1)
        }
        for index in clients.indices { try await clients[index].prepare() }
        return clients
    }

    @Test(
        "a count is done by every client, no more and no less",
        arguments: [LoadKind.closed, .open(perSecond: 5_000)])
    func counts(kind: LoadKind) async throws {
        let load = Load(kind: kind, length: .count(25))
        let (after, outcome) = await load.run(try await clients(4), until: Interruption())
        #expect(outcome.operations == 100)
        #expect(outcome.failures.isEmpty)
        #expect(after.map(\.number) == [0, 1, 2, 3])
    }

    @Test("an open loop sends what is due, no matter how many clients there are", arguments: [1, 7])
    func rate(count: Int) async throws {
        let load = Load(kind: .open(perSecond: 400), length: .time(.milliseconds(500)))
        let (_, outcome) = await load.run(try await clients(count), until: Interruption())
        #expect(outcome.operations == 200)
    }

    @Test("a stall of a second is seen by everything that was due in it when the loop is open")
    func stallOpen() async throws {
        var load = Load(kind: .open(perSecond: 200), length: .time(.seconds(2)))
        load.stall = .milliseconds(500) ..< .milliseconds(1_500)
        let (_, outcome) = await load.run(try await clients(16), until: Interruption())
        let latencies = try #require(outcome.latencies[.append])
        #expect(latencies.count == 400)
        // 200 of 400 operations were due in it.
        #expect(latencies.max >= 950_000)
        #expect(latencies.percentile(0.999) >= 950_000)
        #expect(latencies.percentile(0.9) >= 700_000)
    }

    @Test("a closed loop hides it: one operation of each client sees the stall")
    func stallClosed() async throws {
        var load = Load(kind: .closed, length: .time(.milliseconds(1_800)))
        load.stall = .milliseconds(300) ..< .milliseconds(1_300)
        let (_, outcome) = await load.run(try await clients(2), until: Interruption())
        let latencies = try #require(outcome.latencies[.append])
        // A client that comes late into the stall waits for less of it.
        #expect(latencies.max >= 500_000)
        #expect(latencies.percentile(0.9) < 500_000)
    }

    @Test("hosts of an open loop interleave: the second one begins half an interval later")
    func hosts() async throws {
        var load = Load(kind: .open(perSecond: 10), length: .time(.milliseconds(95)))
        load.hosts = 2
        let (_, first) = await load.run(try await clients(1), until: Interruption())
        load.host = 1
        let (_, second) = await load.run(try await clients(1), until: Interruption())
        #expect(first.operations == 1)
        #expect(second.operations == 1)
        #expect(second.elapsed >= .milliseconds(50))
    }

    @Test("every workload does its operations and says which", arguments: Workload.allCases)
    func workloads(workload: Workload) async throws {
        let candidate = SessionStoreCandidate(MemorySessionStore())
        var client = BenchClient(
            workload, WorkloadShape(), on: candidate, run: "r", host: 0, number: 0, round: 0, point: 3,
            seed: 9)
        try await client.prepare()
        if workload == .growth { try await client.grow(sessions: 0..<3) }
        var seen = Set<Operation>()
        for _ in 0..<60 { seen.insert(try await client.perform()) }
        let expected: [Workload: Set<Operation>] = [
            .append: [.append], .open: [.open], .list: [.list], .turn: [.turn], .hot: [.turn], .long: [.turn],
            .large: [.turn], .growth: [.open, .turn], .mixed: [.open, .list, .poll, .append],
        ]
        #expect(seen == expected[workload])
        await client.leave()
    }

    @Test("what a store refuses is counted by its code")
    func failures() async throws {
        let store = MemorySessionStore()
        let candidate = SessionStoreCandidate(store)
        let client = BenchClient(
            .append, WorkloadShape(), on: candidate, run: "r", host: 0, number: 0, round: 0, point: 0, seed: 1
        )
        // Never prepared: its session does not exist.
        let (_, outcome) = await Load(kind: .closed, length: .count(3)).run([client], until: Interruption())
        #expect(outcome.failures == ["unauthorized": 3])
        #expect(outcome.operations == 0)
    }
}
