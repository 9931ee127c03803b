/// How often each latency was seen, in buckets whose width is at most 1/128 of their value: any percentile is
/// told to within 0.8 % whatever the range, in a few kilobytes. (The idea is Gil Tene's HdrHistogram.)
///
/// Values are microseconds. Adding is exact: histograms of clients, rounds and hosts add up.
struct Histogram: Sendable, Equatable {
    /// Buckets a power of two.
    private static let precision = 128

    private var counts: [Int] = []
    /// How many values.
    private(set) var count = 0
    /// The longest, exactly; 0 when there are none.
    private(set) var max = 0
    /// All values together.
    private(set) var sum = 0

    /// Notes one value; less than 0 is 0.
    mutating func record(_ microseconds: Int) {
        let value = Swift.max(0, microseconds)
        let index = Self.index(value)
        if index >= counts.count {
            counts.append(contentsOf: repeatElement(0, count: index + 1 - counts.count))
        }
        counts[index] += 1
        count += 1
        sum += value
        max = Swift.max(max, value)
    }

    /// Notes one duration.
    mutating func record(_ duration: Duration) { record(Int(duration / .microseconds(1))) }

    /// Adds all values of another one.
    mutating func add(_ other: Histogram) {
        if other.counts.count > counts.count {
            counts.append(contentsOf: repeatElement(0, count: other.counts.count - counts.count))
        }
        for (index, more) in other.counts.enumerated() { counts[index] += more }
        count += other.count
        sum += other.sum
        max = Swift.max(max, other.max)
    }

    /// The value that this share of all values does not exceed, as the upper end of its bucket; 0 when there
    /// are none.
    /// - Parameter share: 0 to 1.
    func percentile(_ share: Double) -> Int {
        let rank = Swift.max(1, Int((Double(count) * share).rounded(.up)))
        var seen = 0
        for (index, more) in counts.enumerated() where more > 0 {
            seen += more
            if seen >= rank { return min(Self.upperEnd(index), max) }
        }
        return max
    }

    /// The mean; 0 when there are no values.
    var mean: Double { count == 0 ? 0 : Double(sum) / Double(count) }

    /// Values up to twice the precision have a bucket each; above, each power of two has `precision` of them.
    static func index(_ value: Int) -> Int {
        guard value >= 2 * precision else { return value }
        let shift = Int.bitWidth - value.leadingZeroBitCount - precision.bitWidthOfValue - 1
        return shift * precision + (value >> shift)
    }

    static func upperEnd(_ index: Int) -> Int {
        guard index >= 2 * precision else { return index }
        let shift = index / precision - 1
        let top = index - shift * precision
        return ((top + 1) << shift) - 1
    }
}

extension Int {
    /// The place of the highest bit that is set, counted from 0.
    fileprivate var bitWidthOfValue: Int { Int.bitWidth - leadingZeroBitCount - 1 }
}

extension Histogram: Codable {
    /// Only the buckets that hold something.
    private enum CodingKeys: String, CodingKey { case buckets, counts, max, sum }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let buckets = try container.decode([Int].self, forKey: .buckets)
        let numbers = try container.decode([Int].self, forKey: .counts)
        guard buckets.count == numbers.count, buckets.allSatisfy({ (0..<16_384).contains($0) }),
            numbers.allSatisfy({ $0 >= 0 })
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .buckets, in: container, debugDescription: "not a histogram")
        }
        counts = [Int](repeating: 0, count: (buckets.max() ?? -1) + 1)
        for (bucket, number) in zip(buckets, numbers) { counts[bucket] += number }
        count = numbers.reduce(0, +)
        max = try container.decode(Int.self, forKey: .max)
        sum = try container.decode(Int.self, forKey: .sum)
    }

    func encode(to encoder: any Encoder) throws {
        let filled = counts.indices.filter { counts[$0] > 0 }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(filled, forKey: .buckets)
        try container.encode(filled.map { counts[$0] }, forKey: .counts)
        try container.encode(max, forKey: .max)
        try container.encode(sum, forKey: .sum)
    }
}
