/// Two runs, cell by cell.
struct Comparison {
    /// Cells that both have.
    let rows: [(before: Summary, after: Summary)]

    /// What calls an operation may differ by without meaning anything: a call now and then that belongs to
    /// passing time and to no operation.
    private static let callsSlack = 0.05

    init(_ before: BenchRun, _ after: BenchRun) {
        let known = Dictionary(before.summaries.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        rows = after.summaries.compactMap { after in known[after.key].map { ($0, after) } }
    }

    /// A sentence for each thing that got worse by more than is allowed.
    /// - Parameter slowerPercent: nil does not judge seconds.
    func regressions(moreCallsPercent: Double, slowerPercent: Double?) -> [String] {
        rows.flatMap { before, after -> [String] in
            var found = [String]()
            let name = "\(after.key.title) of \(after.key.store.rawValue)"
            if let old = before.callsEach, let new = after.callsEach,
                new > old * (1 + moreCallsPercent / 100) + Self.callsSlack
            {
                found.append(
                    "\(name): \(Figures.decimals(new, 2)) calls an operation, were "
                        + Figures.decimals(old, 2)
                )
            }
            if let slowerPercent,
                after.operationsPerSecond < before.operationsPerSecond * (1 - slowerPercent / 100)
            {
                found.append(
                    "\(name): \(Figures.short(after.operationsPerSecond)) op/s, were "
                        + Figures.short(before.operationsPerSecond))
            }
            if after.failuresCount > before.failuresCount {
                found.append("\(name): \(after.failuresCount) failures, were \(before.failuresCount)")
            }
            return found
        }
    }

    /// A table of all cells.
    var markdown: String {
        var lines = [
            "| workload | store | op/s | | p50 ms | | p99 ms | | calls/op | |",
            "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        for (before, after) in rows {
            func pair(_ old: Double, _ new: Double, _ text: (Double) -> String) -> String {
                let change =
                    old > 0 ? "\(new >= old ? "+" : "")\(Int(((new / old - 1) * 100).rounded())) %" : ""
                return "\(text(old)) → \(text(new)) | \(change)"
            }
            func percentile(_ share: Double) -> String {
                pair(
                    Double(before.latencies.percentile(share)), Double(after.latencies.percentile(share)),
                    Figures.milliseconds)
            }
            let calls =
                if let old = before.callsEach, let new = after.callsEach {
                    pair(old, new) { Figures.decimals($0, 2) }
                } else { " | " }
            let rate = pair(before.operationsPerSecond, after.operationsPerSecond, Figures.short)
            lines.append(
                "| \(after.key.title) | \(after.key.store.rawValue) | \(rate) | \(percentile(0.5)) | "
                    + "\(percentile(0.99)) | \(calls) |")
        }
        return lines.joined(separator: "\n")
    }
}
