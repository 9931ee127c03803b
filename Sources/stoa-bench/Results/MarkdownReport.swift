/// The tables for people: one for each workload, the stores as its rows.
struct MarkdownReport {
    let text: String

    init(_ run: BenchRun) {
        var parts = ["Run `\(run.id)`, seed \(run.seed)."]
        parts += run.hosts.map { "- \($0.line)" }
        parts += run.notes.map { "- **\($0)**" }
        var lines = [parts.joined(separator: "\n")]
        for (key, summaries) in run.groups { lines.append(Self.section(key, summaries)) }
        text = lines.joined(separator: "\n\n") + "\n"
    }

    private static func section(_ key: BenchRun.Key, _ summaries: [Summary]) -> String {
        let isCounted = summaries.contains { $0.callsEach != nil }
        var heads = ["store", "op/s", "± rounds", "p50 ms", "p90", "p99", "p99.9", "max"]
        heads +=
            isCounted
            ? ["NFS calls/op", "KB/op", "EFS $/million"]
            : ["read calls/op", "write calls/op", "KB written/op"]
        heads += ["CPU µs/op", "RSS MB", "failed"]
        var lines = ["### \(key.title)", ""]
        lines.append("| " + heads.joined(separator: " | ") + " |")
        lines.append("| --- |" + String(repeating: " ---: |", count: heads.count - 1))
        for summary in summaries {
            lines.append("| " + row(summary, isCounted).joined(separator: " | ") + " |")
        }
        if isCounted {
            lines.append("")
            for summary in summaries where summary.callsEach != nil {
                let calls = summary.callsByType.filter { $0.each >= 0.005 }.map {
                    "\($0.name) \(Figures.decimals($0.each, 2))"
                }
                lines.append(
                    "- \(summary.key.store.rawValue): "
                        + (calls.isEmpty ? "no calls" : calls.joined(separator: ", "))
                )
            }
        }
        return lines.joined(separator: "\n")
    }

    private static func row(_ summary: Summary, _ isCounted: Bool) -> [String] {
        let latencies = summary.latencies
        func percentile(_ share: Double) -> String {
            latencies.count == 0 ? "" : Figures.milliseconds(Double(latencies.percentile(share)))
        }
        var row = [
            summary.key.store.rawValue, Figures.short(summary.operationsPerSecond),
            "\(Int((summary.spread * 100).rounded())) %", percentile(0.5), percentile(0.9), percentile(0.99),
            percentile(0.999), Figures.milliseconds(Double(latencies.max)),
        ]
        let each = { (name: String) in
            Double(summary.cost.io[name] ?? 0) / Double(max(1, summary.operations))
        }
        row +=
            isCounted
            ? [
                summary.callsEach.map { Figures.decimals($0, 2) } ?? "",
                Figures.short(summary.bytesEach / 1e3),
                summary.dollarsPerMillion.map { Figures.decimals($0, 2) } ?? "",
            ]
            : [
                Figures.decimals(each("syscr"), 2), Figures.decimals(each("syscw"), 2),
                Figures.short(each("wchar") / 1e3),
            ]
        let failed = summary.failures.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
        row += [
            Figures.short(summary.cpuMicrosecondsEach),
            Figures.short(Double(summary.cost.residentBytes) / 1e6),
            failed.isEmpty ? "0" : failed.joined(separator: ", "),
        ]
        return row
    }
}

extension BenchRun {
    /// Cells that belong into one table, in the order they were measured.
    var groups: [(Key, [Summary])] {
        var order = [Key]()
        var groups = [Key: [Summary]]()
        for summary in summaries {
            let group = summary.key.group
            if groups[group] == nil { order.append(group) }
            groups[group, default: []].append(summary)
        }
        return order.map { ($0, groups[$0] ?? []) }
    }
}

extension BenchRun.Key {
    /// What a table is about.
    var title: String {
        let size =
            switch workload {
            case .long: " after \(Figures.grouped(point)) turns"
            case .growth: " among \(Figures.grouped(point)) sessions"
            default: ""
            }
        let places = hosts == 1 ? "1 host" : "\(hosts) hosts"
        let each = clients == 1 ? "1 client" : "\(clients) clients"
        return "\(workload.rawValue)\(size) (\(places), \(each) each, \(load.text))"
    }
}
