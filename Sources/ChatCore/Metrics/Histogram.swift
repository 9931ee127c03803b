/// How values spread over fixed buckets: one look through at most twenty bounds and two atomic additions a
/// value, without a lock.
///
/// Durations are kept in whole microseconds, so that their sum can be an atomic number: it overflows after
/// 290,000 years.
package final class Histogram: Sendable {
    /// What is counted, and the upper bounds of the buckets, the last of which has none.
    package struct Scale: Hashable, Sendable {
        let bounds: [Int]
        /// How many of the kept numbers make one on the page.
        let perUnit: Int

        /// Numbers of things.
        /// - Parameter bounds: ascending.
        package static func counts(_ bounds: [Int]) -> Scale { Scale(bounds: bounds, perUnit: 1) }

        /// Durations; on the page they are seconds.
        /// - Parameter milliseconds: ascending.
        package static func milliseconds(_ milliseconds: [Double]) -> Scale {
            Scale(bounds: milliseconds.map { Int($0 * 1_000) }, perUnit: 1_000_000)
        }

        /// What a volume takes: from a page in memory to the deadline of an operation.
        package static let storage = milliseconds([
            0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000,
        ])
        /// What a request takes until its answer begins.
        package static let request = milliseconds([
            1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
        ])
        /// What a model takes: from a small one's first token to the longest answer.
        package static let model = milliseconds([
            50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000,
        ])
        /// Operations in one transaction, of which there are at most 128.
        package static let batch = counts([1, 2, 4, 8, 16, 32, 64, 128])
    }

    private let scale: Scale
    /// How many values each bucket got, without those of the buckets below it.
    private let buckets: [Counter]
    private let sum = Counter()

    /// Empty.
    package init(_ scale: Scale) {
        self.scale = scale
        buckets = (0...scale.bounds.count).map { _ in Counter() }
    }

    /// Counts a duration; only for a scale of durations.
    package func record(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        add(Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000))
    }

    /// Counts the time since `began`.
    package func record(since began: ContinuousClock.Instant) { record(began.duration(to: .now)) }

    /// Counts a number of things; only for a scale of counts.
    package func record(_ count: Int) { add(count) }

    private func add(_ value: Int) {
        var bucket = 0
        while bucket < scale.bounds.count, value > scale.bounds[bucket] { bucket += 1 }
        buckets[bucket].add()
        sum.add(max(0, value))
    }

    /// How many values were counted.
    package var count: Int { buckets.reduce(0) { $0 + $1.value } }

    /// What the page says: for each bound how many values were not above it, all values, their sum.
    var snapshot: (upTo: [(bound: Double, count: Int)], count: Int, sum: Double) {
        let counts = buckets.map(\.value)
        var total = 0
        let upTo = zip(scale.bounds, counts).map { bound, count in
            total += count
            return (bound: inUnits(bound), count: total)
        }
        return (upTo, total + counts[scale.bounds.count], inUnits(sum.value))
    }

    private func inUnits(_ value: Int) -> Double { Double(value) / Double(scale.perUnit) }
}
