import ChatStorage

/// Runs a plan: for each workload all stores in turn, one stretch of load each, and that several times, so
/// that whatever drifts on the machine hits all of them alike. Only one store is open at a time.
actor Bench {
    private let plan: Plan
    private let place: StorePlace
    private let meeting: Meeting?
    private let host: Int
    private let hosts: Int
    private let progress: RunProgress
    private let interruption: Interruption
    private let counter: ClientCalls?
    private let hostName = Volume.hostName()
    private var run: BenchRun
    /// How far conversations of `long` (by store and round) and volumes of `growth` (by store) have grown.
    private var grown: [String: Int] = [:]
    private var givenUp: Set<String> = []
    /// Hosts meet at steps by their numbers, so that they may do different things meanwhile.
    private var steps = 0

    /// - Parameters:
    ///   - meeting: of the hosts of a run; nil when this one is alone.
    ///   - host: this one's number.
    init(
        _ plan: Plan, at place: StorePlace, environment: HostEnvironment, meeting: Meeting?, host: Int,
        hosts: Int, progress: RunProgress, interruption: Interruption
    ) {
        self.plan = plan
        self.place = place
        self.meeting = meeting
        self.host = host
        self.hosts = hosts
        self.progress = progress
        self.interruption = interruption
        counter = ClientCalls.now(at: place.folder)
        run = BenchRun(
            id: plan.id, seed: plan.seed, shape: plan.shape, hosts: [environment], cells: [])
    }

    /// - Returns: what was measured; all there is when it was interrupted.
    func measure() async throws -> BenchRun {
        for workload in plan.workloads {
            for point in workload.points(sessionsMax: plan.sessionsMax, turnsMax: plan.turnsMax) {
                for store in plan.stores where point > 0 { try await grow(store, workload, to: point) }
                for round in 0..<plan.rounds {
                    // Another one begins each time.
                    let turn = round % max(1, plan.stores.count)
                    for store in plan.stores[turn...] + plan.stores[..<turn] {
                        guard !interruption.isAsked else { return interrupted() }
                        try await stretch(store, workload, point, round)
                    }
                }
            }
        }
        if interruption.isAsked { return interrupted() }
        run.hosts[0].loadAtEnd = HostEnvironment.loadAverage()
        return run
    }

    private func interrupted() -> BenchRun {
        run.hosts[0].loadAtEnd = HostEnvironment.loadAverage()
        run.notes.append("interrupted: what was not reached is missing")
        return run
    }

    private func note(_ text: String) {
        if !run.notes.contains(text) { run.notes.append(text) }
        progress.say(text)
    }

    // MARK: One stretch

    private func stretch(_ store: StoreKind, _ workload: Workload, _ point: Int, _ round: Int) async throws {
        let label = "\(workload.rawValue)\(point > 0 ? " \(point)" : "") \(store.rawValue)"
        progress.begin("\(label), round \(round + 1) of \(plan.rounds)")
        steps += 1
        let step = "s\(steps)"
        let load = HostEnvironment.loadAverage()
        var opened: Opened?
        if !givenUp.contains("\(workload.rawValue) \(store.rawValue)") {
            do { opened = try await prepare(store, workload, point, round) } catch {
                note("\(label): \(error)")
            }
        }
        // The others wait for this one, whatever happened to it.
        try await meeting?.start(step, until: interruption)
        if var opened {
            let (outcome, cost, repetitions) = await measure(&opened, workload)
            record(outcome, cost, repetitions, load, in: key(store, workload, point), round)
            await opened.candidate.close()
        }
        try await meeting?.gather("\(step)-end", until: interruption)
        progress.end()
    }

    private struct Opened {
        let candidate: any Candidate
        var clients: [BenchClient]
    }

    private func key(_ store: StoreKind, _ workload: Workload, _ point: Int) -> BenchRun.Key {
        BenchRun.Key(
            workload: workload, point: point, store: store, clients: clientsCount(workload), hosts: hosts,
            load: plan.kind)
    }

    private func clientsCount(_ workload: Workload) -> Int { workload == .long ? 1 : plan.clients }

    private func client(
        _ number: Int, _ workload: Workload, _ candidate: any Candidate, _ point: Int, _ round: Int
    ) -> BenchClient {
        BenchClient(
            workload, plan.shape, on: candidate, run: plan.id, host: host, number: number, round: round,
            point: point, seed: plan.seed)
    }

    private func prepare(
        _ store: StoreKind, _ workload: Workload, _ point: Int, _ round: Int
    ) async throws -> Opened {
        let candidate = try await place.open(store)
        let clients = (0..<clientsCount(workload)).map { client($0, workload, candidate, point, round) }
        do {
            return Opened(
                candidate: candidate,
                clients: try await Self.all(clients) { try await $0.prepare() })
        } catch {
            await candidate.close()
            throw error
        }
    }

    /// Does something with every client at once.
    private static func all(
        _ clients: [BenchClient], _ body: @escaping @Sendable (inout BenchClient) async throws -> Void
    ) async throws -> [BenchClient] {
        try await withThrowingTaskGroup(of: (Int, BenchClient).self) { group in
            for (number, client) in clients.enumerated() {
                group.addTask {
                    var client = client
                    try await body(&client)
                    return (number, client)
                }
            }
            var after = clients
            for try await (number, client) in group { after[number] = client }
            return after
        }
    }

    private func measure(
        _ opened: inout Opened, _ workload: Workload
    ) async -> (Load.Outcome, Cost, repetitions: Int) {
        var warmUp = Load(kind: plan.kind, length: .time(plan.warmUp), host: host, hosts: hosts)
        var load = Load(kind: plan.kind, length: plan.length, host: host, hosts: hosts, stall: plan.stall)
        if workload == .long {
            warmUp = Load(kind: .closed, length: .count(1))
            load = Load(kind: .closed, length: .count(plan.longTurns))
        }
        (opened.clients, _) = await warmUp.run(opened.clients, until: interruption)
        try? await Task.sleep(for: plan.settle)
        let repetitions = opened.candidate.repetitions
        let before = Usage(counter?.again())
        let outcome: Load.Outcome
        (opened.clients, outcome) = await load.run(opened.clients, until: interruption)
        try? await Task.sleep(for: plan.settle)
        let cost = Usage(counter?.again()).since(before)
        let repeated = opened.candidate.repetitions - repetitions
        _ = try? await Self.all(opened.clients) { await $0.leave() }
        return (outcome, cost, repeated)
    }

    private func record(
        _ outcome: Load.Outcome, _ cost: Cost, _ repetitions: Int, _ load: Double, in key: BenchRun.Key,
        _ round: Int
    ) {
        let latencies = outcome.latencies.map { ($0.key.rawValue, $0.value) }
        let measured = BenchRun.Round(
            host: hostName, number: round, seconds: outcome.elapsed / .seconds(1),
            latencies: Dictionary(uniqueKeysWithValues: latencies), failures: outcome.failures,
            repetitions: repetitions, cost: cost, load: load)
        if let index = run.cells.firstIndex(where: { $0.key == key }) {
            run.cells[index].rounds.append(measured)
        } else {
            run.cells.append(BenchRun.Cell(key: key, rounds: [measured]))
        }
    }

    // MARK: Growth

    /// Lets a store grow to a point, which is not measured. A store that is too slow is left behind.
    private func grow(_ store: StoreKind, _ workload: Workload, to point: Int) async throws {
        let name = "\(workload.rawValue) \(store.rawValue)"
        if !givenUp.contains(name), !interruption.isAsked {
            progress.begin("\(name) grows to \(point)")
            let end = ContinuousClock.now + plan.growthPatience
            do {
                let candidate = try await place.open(store)
                let isGrown =
                    workload == .long
                    ? try await growConversations(name, candidate, point, until: end)
                    : try await growSessions(name, candidate, point, until: end)
                await candidate.close()
                if !isGrown, !interruption.isAsked {
                    givenUp.insert(name)
                    note(
                        "\(name): not grown to \(point) within \(plan.growthPatience / .seconds(1)) s, "
                            + "measured no further")
                }
            } catch {
                givenUp.insert(name)
                note("\(name): \(error)")
            }
        }
        steps += 1
        try await meeting?.gather("s\(steps)", until: interruption)
    }

    private func growConversations(
        _ name: String, _ candidate: any Candidate, _ point: Int, until end: ContinuousClock.Instant
    ) async throws -> Bool {
        let clients = (0..<plan.rounds).map { client(0, .long, candidate, point, $0) }
        // The warm-up adds one, and each point before added what it measured.
        let missing = point - 1 - grown[name, default: 0]
        let interruption = interruption
        _ = try await Self.all(clients) { client in
            try await client.prepare()
            for _ in 0..<max(0, missing) where ContinuousClock.now < end && !interruption.isAsked {
                try await client.grow(by: 1)
            }
        }
        grown[name] = max(grown[name, default: 0], point - 1) + 1 + plan.longTurns
        return ContinuousClock.now < end
    }

    private func growSessions(
        _ name: String, _ candidate: any Candidate, _ point: Int, until end: ContinuousClock.Instant
    ) async throws -> Bool {
        let growers = 32
        let clients = (0..<growers).map { client($0, .growth, candidate, point, 0) }
        let from = grown[name, default: 0]
        let (host, hosts, interruption) = (host, hosts, interruption)
        _ = try await Self.all(clients) { client in
            let first = from + host * growers + client.number
            for number in stride(from: first, to: point, by: growers * hosts)
            where ContinuousClock.now < end && !interruption.isAsked {
                try await client.grow(sessions: number..<number + 1)
            }
        }
        grown[name] = point
        return ContinuousClock.now < end
    }
}
