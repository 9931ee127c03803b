import Testing

@testable import stoa_bench

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What people and machines are told.
@Suite struct ReportTests {
    private static func run(calls: Int, rate: Int = 100, failures: [String: Int] = [:]) -> BenchRun {
        var environment = HostEnvironment(volume: "/")
        environment.fileSystem = "nfs4"
        let keys = [StoreKind.volume, .files].map {
            BenchRun.Key(workload: .append, point: 0, store: $0, clients: 4, hosts: 1, load: .closed)
        }
        var latencies = Histogram()
        for value in 1...rate { latencies.record(value * 10) }
        let cells = keys.map { key in
            let rounds = (0..<3).map { number in
                var cost = Cost()
                cost.calls = ["WRITE": calls, "LOCK": 10]
                cost.bytes = ["WRITE": calls * 1_200, "LOCK": 3_000]
                return BenchRun.Round(
                    host: "h", number: number, seconds: 1, latencies: ["append": latencies],
                    failures: failures, repetitions: 0, cost: cost, load: 1)
            }
            return BenchRun.Cell(key: key, rounds: rounds)
        }
        return BenchRun(id: "<a&b>", seed: 7, shape: WorkloadShape(), hosts: [environment], cells: cells)
    }

    @Test("calls an operation are those of all rounds over all operations")
    func calls() throws {
        let summary = try #require(Self.run(calls: 90).summaries.first)
        #expect(summary.callsEach == 1)
        #expect(summary.operationsPerSecond == 100)
        #expect(summary.spread == 0)
        #expect(summary.callsByType.map(\.name) == ["WRITE", "LOCK"])
    }

    @Test("EFS meters a small write as 32 KiB, a lock as 4 KiB, a large write as what it is")
    func price() {
        var cost = Cost()
        cost.calls = ["WRITE": 1_000_000]
        cost.bytes = ["WRITE": 1_000_000 * 1_200]
        #expect(abs(EFSPrice.dollars(cost) - 32_768 / 1e9 * 0.06 * 1e6) < 1e-9)
        cost.bytes = ["WRITE": 1_000_000 * 100_000]
        #expect(abs(EFSPrice.dollars(cost) - 6) < 1e-9)
        cost.calls = ["LOCK": 1_000_000]
        #expect(abs(EFSPrice.dollars(cost) - 4_096 / 1e9 * 0.06 * 1e6) < 1e-9)
        cost.calls = ["FREE_STATEID": 5]
        #expect(EFSPrice.dollars(cost) == 0)
    }

    @Test("a file is read back as it was written; one of a later format is refused")
    func file() throws {
        let path =
            FileManager.default.temporaryDirectory.path + "/stoa-bench-\(UInt32.random(in: .min ... .max))"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let run = Self.run(calls: 90)
        try ResultFile.write(run, to: path)
        #expect(MarkdownReport(try ResultFile.read(path)).text == MarkdownReport(run).text)
        try Data(#"{"format":99}"#.utf8).write(to: URL(filePath: path))
        #expect(throws: Refusal.self) { try ResultFile.read(path) }
        #expect(throws: Refusal.self) { try ResultFile.read(path + "-none") }
    }

    @Test("more calls are a regression, a few seconds are not unless asked for, failures always are")
    func comparison() {
        let before = Self.run(calls: 90)
        func found(_ after: BenchRun, slower: Double? = nil) -> Int {
            Comparison(before, after).regressions(moreCallsPercent: 10, slowerPercent: slower).count
        }
        #expect(found(Self.run(calls: 95)) == 0)
        #expect(found(Self.run(calls: 130)) == 2)
        #expect(found(Self.run(calls: 90, failures: ["busy": 1])) == 2)
        #expect(Comparison(before, Self.run(calls: 130)).markdown.contains("1.00 → 1.40"))
    }

    @Test("the page needs nothing else and is not broken by a name")
    func page() {
        let html = HTMLReport(Self.run(calls: 90)).text
        #expect(!html.contains("http://") && !html.contains("https://") && !html.contains("<script"))
        #expect(html.contains("&lt;a&amp;b&gt;") && !html.contains("<a&b>"))
        #expect(html.contains("<polyline") && html.contains("<rect"))
        #expect(html.split(separator: "<svg").count == html.split(separator: "</svg>").count)
    }

    @Test("results of different runs are not added up as hosts of one")
    func merging() throws {
        let one = Self.run(calls: 90)
        var two = one
        two.id = "other"
        #expect(throws: Refusal.self) { try BenchRun.merged([one, two]) }
        let together = try BenchRun.together([one, two])
        #expect(together.summaries.first?.roundsCount == 6)
        #expect(together.summaries.first?.operationsPerSecond == 100)
    }

    @Test(
        "numbers are short",
        arguments: [
            (1_234.5, "1,235"), (123.4, "123"), (12.34, "12.3"), (1.239, "1.24"), (0, "0"), (-1.5, "-1.50"),
            (0.004, "0.00"),
        ])
    func figures(value: Double, text: String) { #expect(Figures.short(value) == text) }

    @Test(
        "the logarithm is one", arguments: [(1.0, 0.0), (10, 2.302585092994046), (0.001, -6.907755278982137)])
    func logarithm(value: Double, expected: Double) { #expect(abs(SVGPlot.log(value) - expected) < 1e-9) }
}
