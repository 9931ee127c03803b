/// How long an operation takes on the volume, and over NFS what calls it costs.
package struct Measurement: Sendable, Equatable, Encodable {
    /// What was measured.
    package enum Operation: String, Sendable, CaseIterable, Encodable {
        /// A byte locked and let go, on a file that stays open.
        case lock
        /// 4 KiB read right after the lock, which voids what the client remembers.
        case read
        /// 4 KiB appended and made durable.
        case write
        /// A file opened, looked at and closed.
        case open
        /// A file given another name.
        case rename
    }

    package let operation: Operation
    /// How often it was done.
    package let samples: Int
    package let medianMilliseconds: Double
    package let maxMilliseconds: Double
    /// NFS calls of one operation, by their names; nil on other file systems.
    package let calls: [String: Double]?

    private enum CodingKeys: String, CodingKey {
        case operation, samples, calls
        case medianMilliseconds = "median_ms"
        case maxMilliseconds = "max_ms"
    }

    /// - Parameter milliseconds: of each sample; at least one.
    init(_ operation: Operation, _ milliseconds: [Double], calls: [String: Double]? = nil) {
        let sorted = milliseconds.sorted()
        self.operation = operation
        samples = sorted.count
        medianMilliseconds = sorted[sorted.count / 2]
        maxMilliseconds = sorted[sorted.count - 1]
        self.calls = calls
    }
}

/// What an operation of Stoa will cost on the volume, put together from what was measured.
package struct Prediction: Sendable, Equatable, Encodable {
    /// What is done, for people.
    package let operation: String
    package let milliseconds: Double
    /// The measured parts it is made of, for people.
    package let parts: String

    private enum CodingKeys: String, CodingKey {
        case operation, parts
        case milliseconds = "predicted_ms"
    }

    /// Calls of SQLite's own locking and journal for one append, counted on NFS: with the engine `portable`.
    private static let portableCalls = 31.0

    /// For a volume that was measured completely, else none.
    static func all(_ measurements: [Measurement], isNFS: Bool) -> [Prediction] {
        var median = [Measurement.Operation: Double]()
        for measurement in measurements { median[measurement.operation] = measurement.medianMilliseconds }
        guard let lock = median[.lock], let read = median[.read], let write = median[.write],
            let open = median[.open], let rename = median[.rename]
        else { return [] }
        var predictions = [
            Prediction(operation: "append, lock hot", milliseconds: write, parts: "write"),
            Prediction(
                operation: "append, lock cold", milliseconds: lock + 2 * read + write,
                parts: "lock + 2 read + write"),
            Prediction(operation: "read, lock hot", milliseconds: 0, parts: "nothing"),
            Prediction(operation: "read, lock cold", milliseconds: lock + 2 * read, parts: "lock + 2 read"),
            Prediction(
                operation: "append, store files", milliseconds: lock + 2 * open + read + write + rename,
                parts: "lock + 2 open + read + write + rename"),
        ]
        if isNFS {
            // LOCK and LOCKU are two calls, and nothing but calls.
            predictions.append(
                Prediction(
                    operation: "append, engine portable", milliseconds: portableCalls * lock / 2,
                    parts: "\(Int(portableCalls)) calls"))
        }
        return predictions
    }
}
