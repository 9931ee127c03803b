import Testing

@testable import stoa_bench

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct HistogramTests {
    @Test("every bucket holds its own upper end and begins behind the one before", arguments: [0, 2_000])
    func buckets(from: Int) {
        for index in from..<from + 1_500 {
            #expect(Histogram.index(Histogram.upperEnd(index)) == index)
            #expect(Histogram.index(Histogram.upperEnd(index) + 1) == index + 1)
        }
    }

    @Test("percentiles are those of the sorted values, to within 0.8 %")
    func percentiles() {
        var generator = SeededGenerator(seed: 7)
        var histogram = Histogram()
        let values = (0..<20_000).map { _ in
            Int.random(in: 0...(1 << Int.random(in: 1...30)), using: &generator)
        }
        for value in values { histogram.record(value) }
        let sorted = values.sorted()
        for share in [0.001, 0.5, 0.9, 0.99, 0.999, 1] {
            let exact = sorted[max(0, Int((Double(values.count) * share).rounded(.up)) - 1)]
            let told = histogram.percentile(share)
            #expect(told >= exact)
            #expect(Double(told) <= Double(exact) * 1.008 + 1)
        }
        #expect(histogram.max == sorted.last)
        #expect(histogram.count == values.count)
        #expect(histogram.mean == Double(values.reduce(0, +)) / Double(values.count))
    }

    @Test("one value in a thousand is the 99.9th percentile's neighbour, and the maximum is exact")
    func tail() {
        var histogram = Histogram()
        for _ in 0..<9_980 { histogram.record(1_000) }
        for _ in 0..<20 { histogram.record(1_234_567) }
        #expect(histogram.percentile(0.99) < 1_010)
        #expect(histogram.percentile(0.999) > 1_220_000)
        #expect(histogram.max == 1_234_567)
    }

    @Test("histograms add up and survive a file")
    func adding() throws {
        var (one, two, both) = (Histogram(), Histogram(), Histogram())
        for value in stride(from: 0, to: 100_000, by: 37) {
            if value.isMultiple(of: 2) { one.record(value) } else { two.record(value) }
            both.record(value)
        }
        one.add(two)
        #expect(one == both)
        let read = try JSONDecoder().decode(Histogram.self, from: try JSONEncoder().encode(both))
        #expect(read == both)
    }

    @Test("an empty one answers, and a negative value is none")
    func empty() {
        var histogram = Histogram()
        #expect(histogram.percentile(0.5) == 0)
        #expect(histogram.mean == 0)
        histogram.record(-5)
        #expect(histogram.percentile(1) == 0)
        #expect(histogram.count == 1)
    }

    @Test("a damaged file is refused")
    func damaged() {
        let bad = Data(#"{"buckets":[1,2],"counts":[1],"max":1,"sum":1}"#.utf8)
        #expect(throws: (any Error).self) { try JSONDecoder().decode(Histogram.self, from: bad) }
    }
}
