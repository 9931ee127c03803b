import ChatStorage
import Dispatch
import Synchronization
import Testing

@Suite("BlockingLane")
struct BlockingLaneTests {
    @Test("calls run one at a time, in order, and give back what they return or throw")
    func order() async throws {
        struct Odd: Error {}
        let lane = BlockingLane(label: "test", jobsMax: 100)
        let running = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<50 {
                group.addTask {
                    let value = try? await lane.run(until: .now + .seconds(60)) {
                        running.enter()
                        defer { running.leave() }
                        if index.isMultiple(of: 2) { throw Odd() }
                        return index
                    }
                    #expect(value == (index.isMultiple(of: 2) ? nil : index))
                }
            }
            try await group.waitForAll()
        }
        #expect(running.most == 1)
    }

    @Test("a full queue says so at once")
    func full() async throws {
        let lane = BlockingLane(label: "test", jobsMax: 2)
        let gate = DispatchSemaphore(value: 0)
        async let one: Void = lane.run(until: .now + .seconds(60)) { gate.wait() }
        // Were the second one first, it would be over before anything waits.
        try await until(1, wait: lane)
        async let two: Void = lane.run(until: .now + .seconds(60)) {}
        try await until(2, wait: lane)
        await #expect(throws: BlockingLane.Full.self) { try await lane.run(until: .now + .seconds(60)) {} }
        gate.signal()
        try await one
        try await two
        try await lane.run(until: .now + .seconds(60)) {}
    }

    @Test("a call that hangs is given up at its deadline, and so is what waits behind it, which never runs")
    func deadline() async throws {
        let lane = BlockingLane(label: "test", jobsMax: 4)
        let gate = DispatchSemaphore(value: 0)
        let ran = Counter()
        let begun = Counter()
        async let hanging = timedOut {
            try await lane.run(until: .now + .seconds(3)) {
                begun.enter()
                gate.wait()
            }
        }
        while begun.most == 0 { try await Task.sleep(for: .milliseconds(2)) }
        async let waiting = timedOut { try await lane.run(until: .now + .milliseconds(100)) { ran.enter() } }
        #expect(await hanging?.started == true)
        #expect(await waiting?.started == false)
        gate.signal()
        try await lane.run(until: .now + .seconds(60)) {}
        #expect(ran.most == 0)
    }
}

/// Waits until so many calls wait or run in the lane.
private func until(_ count: Int, wait lane: BlockingLane) async throws {
    while lane.jobsCount < count { try await Task.sleep(for: .milliseconds(2)) }
}

private func timedOut(_ body: @Sendable () async throws -> Void) async -> BlockingLane.TimedOut? {
    do { try await body() } catch { return error as? BlockingLane.TimedOut }
    return nil
}

/// How many were inside at once, at most.
private final class Counter: Sendable {
    private let state = Mutex((now: 0, most: 0))

    var most: Int { state.withLock { $0.most } }

    func enter() {
        state.withLock { state in
            state.now += 1
            state.most = max(state.most, state.now)
        }
    }

    func leave() { state.withLock { $0.now -= 1 } }
}
