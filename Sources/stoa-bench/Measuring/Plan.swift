/// What a run is to measure.
struct Plan: Sendable {
    var id: String
    var stores: [StoreKind]
    var workloads: [Workload]
    var shape = WorkloadShape()
    var kind = LoadKind.closed
    var clients = 16
    var rounds = 3
    /// One stretch of load, after the warm-up.
    var length = Load.Length.time(.seconds(5))
    var warmUp = Duration.seconds(1)
    var seed: UInt64 = 1
    var sessionsMax = 10_000
    var turnsMax = 1_000
    /// Turns of `long` that are measured at each length.
    var longTurns = 5
    /// A store that takes longer than this to grow to a point is measured no further.
    var growthPatience = Duration.seconds(300)
    /// Before a count is begun and ended: what a store does late belongs to what it did before.
    var settle = Duration.milliseconds(150)
    var stall: Range<Duration>?

    /// Stretches of load in all.
    var stretches: Int {
        workloads.reduce(0) {
            $0 + $1.points(sessionsMax: sessionsMax, turnsMax: turnsMax).count * stores.count * rounds
        }
    }

    /// How long one should take, growth left out.
    var stretchSeconds: Double {
        guard case .time(let time) = length else { return 5 }
        return (time + warmUp + settle * 2) / .seconds(1) + 0.5
    }
}
