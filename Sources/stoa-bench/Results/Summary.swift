/// A cell in figures: rounds of several hosts put together, the median of the rounds told.
struct Summary: Sendable {
    let key: BenchRun.Key
    /// Median of the rounds, all hosts together.
    let operationsPerSecond: Double
    /// How far the rounds are apart: (highest - lowest) / median.
    let spread: Double
    /// All rounds and operations together.
    let latencies: Histogram
    let byOperation: [String: Histogram]
    let failures: [String: Int]
    let repetitions: Int
    let cost: Cost
    let operations: Int
    let roundsCount: Int

    init(_ cell: BenchRun.Cell) {
        key = cell.key
        let rounds = Dictionary(grouping: cell.rounds, by: \.number).values
        let rates = rounds.map { hosts in
            hosts.reduce(0.0) { $0 + Double($1.operations) / max($1.seconds, 1e-9) }
        }.sorted()
        operationsPerSecond = Self.median(rates)
        let width = (rates.last ?? 0) - (rates.first ?? 0)
        spread = operationsPerSecond > 0 ? width / operationsPerSecond : 0
        roundsCount = rates.count
        var all = Histogram()
        var byOperation = [String: Histogram]()
        var failures = [String: Int]()
        var cost = Cost()
        for round in cell.rounds {
            for (operation, histogram) in round.latencies {
                all.add(histogram)
                byOperation[operation, default: Histogram()].add(histogram)
            }
            failures.merge(round.failures, uniquingKeysWith: +)
            cost.add(round.cost)
        }
        latencies = all
        self.byOperation = byOperation
        self.failures = failures
        self.cost = cost
        repetitions = cell.rounds.reduce(0) { $0 + $1.repetitions }
        operations = all.count
    }

    /// NFS calls an operation; nil where none were counted.
    var callsEach: Double? {
        cost.calls.isEmpty && cost.bytes.isEmpty && !isCounted || operations == 0
            ? nil : Double(cost.callsCount) / Double(operations)
    }

    /// A store that makes no calls at all (a read from memory) is counted as 0, not as unknown.
    var isCounted = false

    /// Calls an operation by type, the most frequent first.
    var callsByType: [(name: String, each: Double)] {
        guard operations > 0 else { return [] }
        return cost.calls.map { ($0.key, Double($0.value) / Double(operations)) }
            .sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }

    /// US dollars for a million operations on EFS; nil where no calls were counted.
    var dollarsPerMillion: Double? {
        callsEach == nil ? nil : EFSPrice.dollars(cost) / Double(operations) * 1e6
    }

    var bytesEach: Double { operations == 0 ? 0 : Double(cost.bytesCount) / Double(operations) }
    var cpuMicrosecondsEach: Double { operations == 0 ? 0 : cost.cpuSeconds * 1e6 / Double(operations) }
    var failuresCount: Int { failures.values.reduce(0, +) }

    static func median(_ sorted: [Double]) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let middle = sorted.count / 2
        return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    }
}

extension BenchRun {
    /// All cells in figures, in the order they were measured.
    var summaries: [Summary] {
        let isNFS = hosts.contains { $0.isNFS }
        return cells.map { cell in
            var summary = Summary(cell)
            summary.isCounted = isNFS && cell.key.store.isOnVolume
            return summary
        }
    }
}
