import ChatStorage

/// What `stoa doctor` prints for people: one line a finding, the costs as a table, the verdict last.
struct DoctorReport {
    private let examination: VolumeExamination

    init(_ examination: VolumeExamination) { self.examination = examination }

    /// Without newlines.
    var lines: [String] {
        var lines = place
        lines += [""] + examination.findings.map(line)
        if !examination.measurements.isEmpty { lines += [""] + costs }
        if !examination.predictions.isEmpty { lines += [""] + predictions }
        return lines + ["", verdict]
    }

    private var place: [String] {
        var lines = ["folder   \(examination.folder)"]
        if let mount = examination.mount {
            lines.append("mount    \(mount.mountPoint), \(mount.type) from \(mount.source)")
            lines.append("options  \(mount.options.joined(separator: ","))")
        }
        if let space = examination.space {
            lines.append("space    \(space.freeBytes >> 20) of \(space.bytes >> 20) MiB free")
        }
        return lines
    }

    private func line(_ finding: Finding) -> String {
        let mark =
            switch finding.severity {
            case .good: "good"
            case .warning: "WARNING"
            case .refused: "REFUSED"
            }
        return padded(mark, 9) + finding.sentence
    }

    private var costs: [String] {
        let header = padded("measured", 25) + right("median ms", 10) + right("max ms", 10)
        return [header]
            + examination.measurements.map { measurement in
                let calls = measurement.calls.map { calls in
                    "   "
                        + calls.sorted { $0.key < $1.key }.map { "\(number($0.value)) \($0.key)" }
                        .joined(separator: ", ")
                }
                return padded(measurement.operation.words, 25)
                    + right(hundredths(measurement.medianMilliseconds), 10)
                    + right(hundredths(measurement.maxMilliseconds), 10) + (calls ?? "")
            }
    }

    private var predictions: [String] {
        [padded("so this will cost", 25) + right("ms", 10)]
            + examination.predictions.map {
                padded($0.operation, 25) + right(hundredths($0.milliseconds), 10) + "   \($0.parts)"
            }
    }

    private var verdict: String {
        let count = examination.findings.count { $0.severity == examination.verdict }
        let options = Set(
            examination.findings.filter { $0.severity == examination.verdict }.compactMap(\.option)
        )
        let change = options.isEmpty ? "" : " Mount with \(options.sorted().joined(separator: ","))."
        switch examination.verdict {
        case .good: return "good: Stoa can be trusted with this volume."
        case .warning:
            return "usable: \(count) \(count == 1 ? "warning" : "warnings").\(change)"
        case .refused:
            return "refused: Stoa does not use this volume, for \(count) "
                + "\(count == 1 ? "reason" : "reasons").\(change)"
        }
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(1, width - text.count)) + text
    }

    /// Two digits after the point.
    private func hundredths(_ value: Double) -> String {
        let count = Int((value * 100).rounded())
        return "\(count / 100).\(count % 100 < 10 ? "0" : "")\(count % 100)"
    }

    private func number(_ value: Double) -> String {
        value == value.rounded() ? "\(Int(value))" : "\(value)"
    }
}

extension Measurement.Operation {
    /// For people.
    fileprivate var words: String {
        switch self {
        case .lock: "lock and unlock"
        case .read: "read 4 KiB under it"
        case .write: "write 4 KiB, durable"
        case .open: "open, stat, close"
        case .rename: "rename"
        }
    }
}
