/// What a run measured, on one host or several: what the JSON file holds.
struct BenchRun: Codable, Sendable {
    /// The layout this program writes.
    static let formatKnown = 1

    var format = formatKnown
    /// Names the run; all its hosts say the same.
    var id: String
    /// What it takes to do it again.
    var seed: UInt64
    var shape: WorkloadShape
    var hosts: [HostEnvironment]
    var cells: [Cell]
    /// What a reader must know: an interruption, a store that could not be measured.
    var notes: [String] = []

    /// One store under one workload.
    struct Cell: Codable, Sendable {
        var key: Key
        /// Of all hosts.
        var rounds: [Round]
    }

    /// What makes a cell another one.
    struct Key: Codable, Sendable, Hashable {
        var workload: Workload
        /// Turns or sessions there are; 0 for workloads without.
        var point: Int
        var store: StoreKind
        /// Clients of one host.
        var clients: Int
        var hosts: Int
        var load: LoadKind

        /// Everything but the store: cells that are compared with each other.
        var group: Key {
            var key = self
            key.store = .volume
            return key
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(workload)
            hasher.combine(point)
            hasher.combine(store)
            hasher.combine(clients)
            hasher.combine(hosts)
        }
    }

    /// One stretch of load on one host.
    struct Round: Codable, Sendable {
        var host: String
        var number: Int
        var seconds: Double
        var latencies: [String: Histogram]
        var failures: [String: Int]
        /// Calls made again because the store was busy.
        var repetitions: Int
        var cost: Cost
        /// Of the host, when it began.
        var load: Double

        var operations: Int { latencies.values.reduce(0) { $0 + $1.count } }
    }
}

extension BenchRun {
    /// Joins what several hosts measured.
    /// - Throws: ``Refusal`` when they are not of one run.
    static func merged(_ runs: [BenchRun]) throws -> BenchRun {
        guard var all = runs.first else { throw Refusal("there are no results") }
        for run in runs.dropFirst() {
            guard run.id == all.id else { throw Refusal("results of other runs: \(all.id) and \(run.id)") }
            all.hosts += run.hosts
            all.notes += run.notes.filter { !all.notes.contains($0) }
            for cell in run.cells {
                if let index = all.cells.firstIndex(where: { $0.key == cell.key }) {
                    all.cells[index].rounds += cell.rounds
                } else {
                    all.cells.append(cell)
                }
            }
        }
        return all
    }
}
