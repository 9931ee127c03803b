/// A page of metrics as Prometheus reads it: text format 0.0.4,
/// https://prometheus.io/docs/instrumenting/exposition_formats/.
///
/// Names are given without the `stoa_` that all of our own begin with. Each may be added once a page.
package struct MetricsPage: Sendable {
    /// What an answer with such a page says it is.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// One line: the labels that tell it from the others of its name, and its value.
    package struct Sample: Sendable {
        let labels: [(name: String, value: String)]
        let value: Double

        /// Makes a sample. A value of a label comes from a list that is known beforehand (states, routes,
        /// models, shards), never from what a client sent.
        package init(_ labels: KeyValuePairs<String, String> = [:], _ value: Double) {
            self.labels = labels.map { ($0.key, $0.value) }
            self.value = value
        }

        /// The same for a whole number.
        package init(_ labels: KeyValuePairs<String, String> = [:], _ value: Int) {
            self.init(labels, Double(value))
        }
    }

    /// The page so far.
    package private(set) var text = ""

    /// An empty page.
    package init() {}

    /// Adds counts that only grow while the process lives. `name` ends in `_total`.
    package mutating func counter(_ name: String, _ help: String, _ samples: [Sample]) {
        family("stoa_" + name, "counter", help, samples)
    }

    /// Adds numbers that go up and down.
    package mutating func gauge(_ name: String, _ help: String, _ samples: [Sample]) {
        family("stoa_" + name, "gauge", help, samples)
    }

    /// Adds what every program tells under one name, without a prefix: `process_…`.
    package mutating func common(_ name: String, _ help: String, _ value: Double?) {
        guard let value else { return }
        family(name, name.hasSuffix("_total") ? "counter" : "gauge", help, [Sample([:], value)])
    }

    /// Adds histograms that differ by their labels.
    package mutating func histogram(
        _ name: String, _ help: String, _ histograms: [(labels: KeyValuePairs<String, String>, Histogram)]
    ) {
        let name = "stoa_" + name
        guard !histograms.isEmpty else { return }
        head(name, "histogram", help)
        for (labels, histogram) in histograms {
            let labels = labels.map { (name: $0.key, value: $0.value) }
            let snapshot = histogram.snapshot
            for (bound, count) in snapshot.upTo {
                line(name + "_bucket", labels + [("le", Self.number(bound))], Double(count))
            }
            line(name + "_bucket", labels + [("le", "+Inf")], Double(snapshot.count))
            line(name + "_sum", labels, snapshot.sum)
            line(name + "_count", labels, Double(snapshot.count))
        }
    }

    private mutating func family(_ name: String, _ kind: String, _ help: String, _ samples: [Sample]) {
        guard !samples.isEmpty else { return }
        head(name, kind, help)
        for sample in samples { line(name, sample.labels, sample.value) }
    }

    private mutating func head(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    }

    private mutating func line(_ name: String, _ labels: [(name: String, value: String)], _ value: Double) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for (index, label) in labels.enumerated() {
                text += "\(index > 0 ? "," : "")\(label.name)=\"\(Self.escaped(label.value))\""
            }
            text += "}"
        }
        text += " \(Self.number(value))\n"
    }

    /// Whole numbers without a point, as people write them.
    private static func number(_ value: Double) -> String {
        guard let whole = Int(exactly: value) else { return "\(value)" }
        return "\(whole)"
    }

    private static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else { return value }
        var text = ""
        for character in value.unicodeScalars {
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }
}
