/// How clients send: as fast as they are answered, or at times that do not depend on the answers.
enum LoadKind: Sendable, Codable, Equatable {
    /// Each client sends its next operation when the last one was answered. Says what a store can do; hides
    /// stalls, for nobody sends while it stands still.
    case closed
    /// So many operations a second arrive, over all clients, whatever the store does. A latency counts from
    /// the moment an operation was due, so that a stall is seen by everybody who would have come in it.
    case open(perSecond: Double)

    /// For tables.
    var text: String {
        switch self {
        case .closed: "closed"
        case .open(let rate): "open, \(Figures.short(rate))/s"
        }
    }
}

/// One stretch of load on one store.
struct Load: Sendable {
    var kind: LoadKind
    var length: Length
    /// This process and how many there are: open loops of several hosts interleave.
    var host = 0
    var hosts = 1
    /// Lets every operation wait that comes between these two moments after the beginning: a stall of which
    /// the length is known.
    var stall: Range<Duration>?
    /// How far an open loop may run over its end before what is due is given up.
    static let overrun = Duration.seconds(10)

    /// When it ends.
    enum Length: Sendable {
        case time(Duration)
        /// Operations of each client.
        case count(Int)
    }

    /// What came of it.
    struct Outcome: Sendable {
        var latencies: [Operation: Histogram] = [:]
        var failures: [String: Int] = [:]
        var elapsed = Duration.zero
        /// Operations that succeeded.
        var operations: Int { latencies.values.reduce(0) { $0 + $1.count } }

        mutating func add(_ other: Outcome) {
            for (operation, histogram) in other.latencies {
                latencies[operation, default: Histogram()].add(histogram)
            }
            failures.merge(other.failures, uniquingKeysWith: +)
        }
    }

    /// Runs all clients at once.
    /// - Returns: the clients as they are afterwards, and what came of it.
    func run(_ clients: [BenchClient], until interruption: Interruption) async -> ([BenchClient], Outcome) {
        let start = ContinuousClock.now
        var outcome = Outcome()
        var after = clients
        await withTaskGroup(of: (Int, BenchClient, Outcome).self) { group in
            for (number, client) in clients.enumerated() {
                group.addTask {
                    let (client, outcome) = await drive(
                        client, number, of: clients.count, start, interruption)
                    return (number, client, outcome)
                }
            }
            for await (number, client, part) in group {
                after[number] = client
                outcome.add(part)
            }
        }
        outcome.elapsed = start.duration(to: .now)
        return (after, outcome)
    }

    private func drive(
        _ client: BenchClient, _ number: Int, of clients: Int, _ start: ContinuousClock.Instant,
        _ interruption: Interruption
    ) async -> (BenchClient, Outcome) {
        var client = client
        var outcome = Outcome()
        var done = 0
        while !interruption.isAsked {
            guard let due = due(done, number, of: clients, start) else { break }
            if due > .now {
                guard (try? await Task.sleep(until: due, clock: .continuous)) != nil else { break }
            } else if ContinuousClock.now > due + Self.overrun, case .open = kind {
                outcome.failures["not_served", default: 0] += 1
                done += 1
                continue
            }
            await stand(start)
            do {
                let operation = try await client.perform()
                outcome.latencies[operation, default: Histogram()].record(due.duration(to: .now))
            } catch {
                outcome.failures[Self.code(error), default: 0] += 1
                // A store that refuses at once would otherwise fill the run with refusals.
                try? await Task.sleep(for: .milliseconds(10))
            }
            done += 1
        }
        return (client, outcome)
    }

    /// When a client's next operation is due; nil when there is none.
    private func due(
        _ done: Int, _ number: Int, of clients: Int, _ start: ContinuousClock.Instant
    ) -> ContinuousClock.Instant? {
        var due = ContinuousClock.now
        if case .open(let rate) = kind {
            // All clients of all hosts in turn.
            let turn = Double(done * clients + number) + Double(host) / Double(hosts)
            due = start + .seconds(turn / rate)
        }
        switch length {
        case .time(let duration): return due < start + duration ? due : nil
        case .count(let count): return done < count ? due : nil
        }
    }

    private func stand(_ start: ContinuousClock.Instant) async {
        guard let stall else { return }
        let now = start.duration(to: .now)
        if stall.contains(now) { try? await Task.sleep(until: start + stall.upperBound, clock: .continuous) }
    }

    private static func code(_ error: any Error) -> String {
        (error as? any FailureCode)?.failureCode ?? "\(type(of: error))"
    }
}

/// An error that says what it is counted as.
protocol FailureCode { var failureCode: String { get } }
