/// One page that needs nothing else: tables, plots, where it was measured and how to do it again.
struct HTMLReport {
    let text: String

    /// Parts of the latencies that a curve goes through; the axis counts nines, so that tails are seen.
    private static let shares: [(share: Double, label: String)] = [
        (0.0, "0"), (0.5, "50 %"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (1, "max"),
    ]

    init(_ run: BenchRun) {
        var body = ["<h1>Which store belongs on this volume?</h1>"]
        body.append("<p>Run <code>\(Self.escaped(run.id))</code>, seed \(run.seed).</p><ul>")
        body += run.hosts.map { "<li>\(Self.escaped($0.line))</li>" }
        body += run.notes.map { "<li><strong>\(Self.escaped($0))</strong></li>" }
        body.append("</ul>")
        body.append(Self.legend(run))
        body += Self.overviews(run)
        for (key, summaries) in run.groups { body.append(Self.section(key, summaries)) }
        body.append(
            """
            <p>Latencies of an open loop count from the moment an operation was due. NFS calls are the
            host's, from <code>/proc/self/mountstats</code>, the renewal of the lease left out; memory is the
            benchmark's process, which measured all stores. EFS: \(EFSPrice.region), throughput mode Elastic,
            prices of \(EFSPrice.date): \(Figures.decimals(EFSPrice.read, 2)) USD/GB read,
            \(Figures.decimals(EFSPrice.write, 2)) written; a data operation is metered as at least 32 KiB,
            any other as 4 KiB; storage is not in it.</p>
            """)
        text = Self.page(body.joined(separator: "\n"))
    }

    private static func section(_ key: BenchRun.Key, _ summaries: [Summary]) -> String {
        var parts = ["<section><h2>\(escaped(key.title))</h2>", table(summaries)]
        let curves = summaries.filter { $0.latencies.count > 0 }.map { summary in
            SVGPlot.Line(
                store: summary.key.store,
                points: shares.enumerated().map { index, share in
                    (Double(index), Double(max(1, summary.latencies.percentile(share.share))) / 1_000)
                })
        }
        parts.append(
            SVGPlot.lines(
                curves, ticks: shares.enumerated().map { .init(at: Double($0), label: $1.label) }, unit: "ms",
                label: "latency that so many operations did not exceed"))
        let bars = summaries.filter { $0.callsEach != nil }.map { summary in
            (summary.key.store, summary.callsByType.map { (name: $0.name, value: $0.each) })
        }
        parts.append(SVGPlot.bars(bars, unit: "NFS calls an operation, by type"))
        return parts.joined(separator: "\n") + "</section>"
    }

    /// Plots over several cells: the length of a conversation, the size of a volume, the number of hosts.
    private static func overviews(_ run: BenchRun) -> [String] {
        let summaries = run.summaries
        var parts = [String]()
        for workload in [Workload.long, .growth] {
            let cells = summaries.filter { $0.key.workload == workload }
            let points = Set(cells.map(\.key.point)).sorted()
            guard points.count > 1 else { continue }
            let ticks = points.map {
                SVGPlot.Tick(at: SVGPlot.log(Double($0)), label: Figures.grouped($0))
            }
            let noun = workload == .long ? "turns a conversation has" : "sessions a volume has"
            func plot(_ unit: String, _ value: (Summary) -> Double?) -> String {
                let lines = StoreKind.allCases.map { store in
                    SVGPlot.Line(
                        store: store,
                        points: cells.filter { $0.key.store == store }.compactMap { cell in
                            value(cell).map { (SVGPlot.log(Double(cell.key.point)), $0) }
                        })
                }.filter { !$0.points.isEmpty }
                return SVGPlot.lines(lines, ticks: ticks, unit: unit, label: noun)
            }
            parts.append("<section><h2>Cost against \(noun)</h2>")
            parts.append(plot("p50 in ms") { Double($0.latencies.percentile(0.5)) / 1_000 })
            parts.append(plot("KB over NFS an operation") { $0.callsEach == nil ? nil : $0.bytesEach / 1e3 })
            parts.append("</section>")
        }
        return parts + hosts(summaries)
    }

    /// Throughput against hosts, for workloads that were measured on several numbers of them.
    private static func hosts(_ summaries: [Summary]) -> [String] {
        Workload.allCases.compactMap { workload in
            let cells = summaries.filter { $0.key.workload == workload && $0.key.point == 0 }
            let counts = Set(cells.map(\.key.hosts)).sorted()
            guard counts.count > 1 else { return nil }
            let lines = StoreKind.allCases.map { store in
                SVGPlot.Line(
                    store: store,
                    points: cells.filter { $0.key.store == store }
                        .map { (Double($0.key.hosts), $0.operationsPerSecond) })
            }.filter { !$0.points.isEmpty }
            let ticks = counts.map { SVGPlot.Tick(at: Double($0), label: "\($0)") }
            return "<section><h2>\(workload.rawValue) against hosts</h2>"
                + SVGPlot.lines(lines, ticks: ticks, unit: "operations/s", label: "hosts") + "</section>"
        }
    }

    private static func table(_ summaries: [Summary]) -> String {
        let isCounted = summaries.contains { $0.callsEach != nil }
        var head = "<tr><th>store<th>op/s<th>± rounds<th>p50 ms<th>p99<th>p99.9<th>max"
        if isCounted { head += "<th>NFS calls/op<th>KB/op<th>EFS $/million" }
        head += "<th>CPU µs/op<th>RSS MB<th>busy<th>failed</tr>"
        let rows = summaries.map { summary -> String in
            let latencies = summary.latencies
            var cells = [
                Figures.short(summary.operationsPerSecond), "\(Int((summary.spread * 100).rounded())) %",
            ]
            cells += [0.5, 0.99, 0.999].map { Figures.milliseconds(Double(latencies.percentile($0))) }
            cells.append(Figures.milliseconds(Double(latencies.max)))
            if isCounted {
                cells += [
                    summary.callsEach.map { Figures.decimals($0, 2) } ?? "",
                    Figures.short(summary.bytesEach / 1e3),
                    summary.dollarsPerMillion.map { Figures.decimals($0, 2) } ?? "",
                ]
            }
            cells += [
                Figures.short(summary.cpuMicrosecondsEach),
                Figures.short(Double(summary.cost.residentBytes) / 1e6), "\(summary.repetitions)",
                "\(summary.failuresCount)",
            ]
            let name =
                "<th style=\"color:\(SVGPlot.colour(summary.key.store))\">\(summary.key.store.rawValue)"
            return "<tr>\(name)\(cells.map { "<td>\(escaped($0))" }.joined())</tr>"
        }
        return "<div class=\"wide\"><table>\(head)\(rows.joined())</table></div>"
    }

    private static func legend(_ run: BenchRun) -> String {
        let stores = StoreKind.allCases.filter { store in run.cells.contains { $0.key.store == store } }
        return "<ul class=\"legend\">"
            + stores.map {
                "<li><b style=\"color:\(SVGPlot.colour($0))\">\($0.rawValue)</b> \(escaped($0.summary))</li>"
            }.joined() + "</ul>"
    }

    private static func escaped(_ text: String) -> String {
        var safe = ""
        for character in text {
            switch character {
            case "<": safe += "&lt;"
            case ">": safe += "&gt;"
            case "&": safe += "&amp;"
            case "\"": safe += "&quot;"
            default: safe.append(character)
            }
        }
        return safe
    }

    private static func page(_ body: String) -> String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>stoa-bench</title>
        <style>
        :root { color-scheme: light; }
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
        body { background: #fff; color: #1b1b1b; }
        h2 { margin: 2rem 0 .5rem; font-size: 1.15rem; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
        th, td { padding: .2rem .6rem; text-align: right; white-space: nowrap; }
        th, td { border-bottom: 1px solid #ddd; }
        tr > :first-child { text-align: left; }
        .wide { overflow-x: auto; } li { overflow-wrap: anywhere; }
        .legend { list-style: none; padding: 0; font-size: .9rem; }
        svg { display: block; width: 100%; max-width: 44rem; margin: 1rem 0; }
        svg { font: 11px system-ui, sans-serif; }
        svg text { fill: #444; } svg text.in { fill: #fff; } svg line { stroke: #e4e4e4; }
        </style></head><body>
        \(body)
        </body></html>

        """
    }
}
