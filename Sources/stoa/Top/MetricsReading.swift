import ChatCore

/// A page of metrics as it was read at one moment.
struct MetricsReading: Sendable {
    /// One line of it.
    struct Sample: Sendable {
        let labels: [String: String]
        let value: Double
    }

    /// When it was read.
    let at: ContinuousClock.Instant
    private let samples: [String: [Sample]]

    /// - Parameter page: in Prometheus's text format; lines that are not are passed over.
    init(_ page: String, at moment: ContinuousClock.Instant = .now) {
        at = moment
        var samples: [String: [Sample]] = [:]
        for line in page.split(separator: "\n") where !line.hasPrefix("#") {
            guard let (name, sample) = Self.sample(line) else { continue }
            samples[name, default: []].append(sample)
        }
        self.samples = samples
    }

    /// The lines of a name, all their labels among them.
    func all(_ name: String) -> [Sample] { samples[name] ?? [] }

    /// The sum of the lines of a name that have these labels.
    func sum(_ name: String, _ labels: [String: String] = [:]) -> Double {
        all(name).filter { sample in labels.allSatisfy { sample.labels[$0.key] == $0.value } }
            .reduce(0) { $0 + $1.value }
    }

    /// The first value of a name, if there is any.
    func first(_ name: String) -> Double? { all(name).first?.value }

    /// A label of the only line of a name.
    func label(_ label: String, of name: String) -> String? { all(name).first?.labels[label] }

    private static func sample(_ line: Substring) -> (String, Sample)? {
        guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...])
        else { return nil }
        let series = line[..<space]
        guard let brace = series.firstIndex(of: "{") else {
            return (String(series), Sample(labels: [:], value: value))
        }
        return (
            String(series[..<brace]),
            Sample(labels: labels(series[series.index(after: brace)...].dropLast()), value: value)
        )
    }

    /// `a="x",b="y"`, with `\\`, `\"` and `\n` inside.
    private static func labels(_ text: Substring) -> [String: String] {
        var labels: [String: String] = [:]
        var rest = text
        while let equals = rest.firstIndex(of: "=") {
            let name = String(rest[..<equals])
            rest = rest[equals...].dropFirst(2)
            var value = ""
            while let next = rest.popFirst(), next != "\"" {
                guard next == "\\", let escaped = rest.popFirst() else {
                    value.append(next)
                    continue
                }
                value.append(escaped == "n" ? "\n" : escaped)
            }
            labels[name] = value
            rest = rest.drop { $0 == "," }
        }
        return labels
    }
}

/// What happened between two readings of one task.
struct MetricsChange {
    private let before: MetricsReading
    private let after: MetricsReading
    private let seconds: Double

    /// Nil when the task began anew in between.
    init?(_ before: MetricsReading?, _ after: MetricsReading) {
        guard let before,
            before.first("process_start_time_seconds") == after.first("process_start_time_seconds")
        else { return nil }
        self.before = before
        self.after = after
        seconds = max(0.001, Double(before.at.duration(to: after.at).milliseconds) / 1_000)
    }

    /// How much a count grew.
    func growth(_ name: String, _ labels: [String: String] = [:]) -> Double {
        max(0, after.sum(name, labels) - before.sum(name, labels))
    }

    /// The same a second.
    func rate(_ name: String, _ labels: [String: String] = [:]) -> Double { growth(name, labels) / seconds }

    /// The mean of what a histogram got, in milliseconds; nil when it got nothing.
    func meanMilliseconds(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        let count = growth(name + "_count", labels)
        return count > 0 ? growth(name + "_sum", labels) / count * 1_000 : nil
    }

    /// The value that `part` of what a histogram got is not above, in milliseconds: the bound of its bucket.
    /// Nil when it got nothing or it is above the last bound.
    func quantileMilliseconds(_ part: Double, _ name: String) -> Double? {
        let wanted = growth(name + "_count") * part
        guard wanted > 0 else { return nil }
        let bounds = Set(after.all(name + "_bucket").compactMap { $0.labels["le"] })
            .compactMap { text in Double(text).map { (text: text, value: $0) } }
            .filter { $0.value.isFinite }.sorted { $0.value < $1.value }
        return bounds.first { growth(name + "_bucket", ["le": $0.text]) >= wanted }.map { $0.value * 1_000 }
    }
}
