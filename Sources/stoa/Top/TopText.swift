/// A ``TopReport`` for people.
struct TopText {
    private let report: TopReport

    init(_ report: TopReport) { self.report = report }

    /// - Parameter rows: of the terminal; what does not fit is said in one line. Nil shows everything.
    func lines(rows: Int? = nil) -> [String] {
        var lines = [head, ""] + tasks
        if !report.models.isEmpty { lines += [""] + models }
        if !report.shards.isEmpty {
            let shards = shards
            let room = rows.map { max(2, $0 - lines.count - 2) } ?? shards.count
            lines += [""] + shards.prefix(room)
            if shards.count > room { lines.append("  … \(shards.count - room) more shards") }
        }
        return lines
    }

    private var head: String {
        var text = "\(report.volume)  \(report.store)\(report.engine.map { "/" + $0 } ?? "")"
        if let free = report.freeBytes, let size = report.sizeBytes, size > 0 {
            text += "  \(Self.bytes(free)) of \(Self.bytes(size)) free"
        }
        let running = report.tasks.reduce(0) { $0 + $1.answers }
        return text + "  \(report.tasks.count) tasks, \(running) answers running"
    }

    private var tasks: [String] {
        let header = [
            "TASK", "HOST", "STATE", "UP", "REQ/S", "5XX/S", "P99", "STREAMS", "ANSWERS", "WAIT", "COMMIT/S",
            "MS", "OPS", "BUSY/S", "CPU", "MEM", "FDS",
        ]
        let rows = report.tasks.map { task -> [String] in
            guard task.state != "unreachable" else {
                return [task.task, task.host, "unreachable: \(task.reason ?? "")"]
            }
            let state = task.reason.map { "\(task.state) (\($0))" } ?? task.state
            return [
                task.task, task.host, state, Self.time(task.upSeconds), Self.rate(task.requestsPerSecond),
                Self.rate(task.failedPerSecond), Self.milliseconds(task.p99Milliseconds),
                "\(task.streams)", "\(task.answers)", "\(task.waiting)", Self.rate(task.commitsPerSecond),
                Self.milliseconds(task.commitMilliseconds), task.operationsPerCommit.map(Self.rate) ?? "-",
                Self.rate(task.busyPerSecond), "\(Int(task.cpuPercent.rounded()))%",
                Self.bytes(task.residentBytes), "\(task.openFiles)",
            ]
        }
        return Self.table([header] + rows, left: 3)
    }

    private var models: [String] {
        Self.table(
            [["MODEL", "RUNNING", "ANSWERS/S", "ERRORS/S", ""]]
                + report.models.map {
                    [
                        $0.model, "\($0.running)", Self.rate($0.answersPerSecond),
                        Self.rate($0.errorsPerSecond),
                        $0.circuitsOpen > 0 ? "not asked by \($0.circuitsOpen) tasks" : "",
                    ]
                }, left: 1)
    }

    private var shards: [String] {
        Self.table(
            [["SHARD", "HOLDER", "OPS/S", "BUSY/S", "WAIT", "LOG", ""]]
                + report.shards.map {
                    [
                        $0.shard, $0.holders.isEmpty ? "-" : $0.holders.joined(separator: ","),
                        Self.rate($0.operationsPerSecond), Self.rate($0.busyPerSecond), "\($0.waiting)",
                        Self.bytes($0.logBytes),
                        $0.refusedBy.isEmpty ? "" : "REFUSED by \($0.refusedBy.joined(separator: ","))",
                    ]
                }, left: 2)
    }

    /// Columns as wide as they need to be; the first `left` of them begin at their left.
    private static func table(_ rows: [[String]], left: Int) -> [String] {
        let full = rows.map(\.count).max() ?? 0
        let widths = (0..<full).map { column in
            // A row that is cut short says a sentence in its last column, which may run over the others.
            rows.filter { $0.count == full }.map { $0[column].count }.max() ?? 0
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, text in
                let space = String(repeating: " ", count: max(0, widths[column] - text.count))
                return column < left ? text + space : space + text
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// Three digits at most, or a whole number.
    private static func rate(_ value: Double) -> String {
        if value == 0 { return "0" }
        if value >= 9.95 { return "\(Int(value.rounded()))" }
        let tenths = Int((value * 10).rounded())
        return tenths == 0 ? "<0.1" : "\(tenths / 10).\(tenths % 10)"
    }

    private static func milliseconds(_ value: Double?) -> String { value.map(rate) ?? "-" }

    private static func bytes(_ count: Int) -> String {
        var value = Double(count)
        for unit in ["", "K", "M", "G"] {
            if value < 1_000 || unit == "G" { return rate(value) + unit }
            value /= 1_024
        }
        return "\(count)"
    }

    private static func time(_ seconds: Int) -> String {
        switch seconds {
        case ..<120: "\(seconds)s"
        case ..<7_200: "\(seconds / 60)m"
        case ..<172_800: "\(seconds / 3_600)h"
        default: "\(seconds / 86_400)d"
        }
    }
}
