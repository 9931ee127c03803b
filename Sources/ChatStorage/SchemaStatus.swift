package import ChatCore

/// How a shard's schema stands to this program's.
package struct SchemaStatus: Hashable, Sendable {
    /// A migration in a shard's history.
    package struct Applied: Hashable, Sendable {
        package let version: Int
        package let name: String
        package let checksum: String
        /// When, by the clock of the host that did it.
        package let applied: Timestamp
        /// The host that did it.
        package let host: String
        package let durationMilliseconds: Int
        /// The schema that a program must know at least to read on (see ``Migration/minReader``).
        package let minReader: Int
        /// The schema that a program must know at least to write on.
        package let minWriter: Int
    }

    /// What is to be done about it.
    package enum State: Hashable, Sendable {
        /// No file, or nothing in it.
        case fresh
        /// Migrations are missing.
        case older
        /// As this program wants it.
        case current
        /// Made by a newer program, which lets this one go on, reading at least: the middle of a rolling
        /// deploy.
        case ahead(isWritable: Bool)
        /// Made by a newer program, and this one is too old for it.
        case newer
        /// Not a history of this program's migrations; the sentence says what differs.
        case drifted(String)
    }

    /// In ascending order.
    package let applied: [Applied]
    /// What `migrate` would apply, in order.
    package let pending: [Migration]
    package let state: State

    /// The schema's version.
    package var version: Int { applied.last?.version ?? 0 }

    /// Whether nothing is left to apply, or nothing up to `target`.
    package func isDone(upTo target: Int?) -> Bool {
        switch state {
        case .current, .ahead(isWritable: true): true
        case .fresh, .older: pending.allSatisfy { $0.version > target ?? .max }
        case .ahead, .newer, .drifted: false
        }
    }

    /// The error with which a task refuses a shard in this state; nil when it may use it.
    /// - Parameters:
    ///   - shard: the shard's name, for the log.
    ///   - isReading: what is wanted is to read only.
    package func refusal(shard: String, isReading: Bool = false) -> ChatError? {
        let (message, cause): (String, String)
        switch state {
        case .current, .ahead(isWritable: true):
            return nil
        case .ahead(isWritable: false):
            if isReading { return nil }
            (message, cause) = (
                "The volume's schema is newer than this program, which may still read it but not write.",
                "version \(applied.last?.version ?? 0) needs \(applied.map(\.minWriter).max() ?? 0) to write"
            )
        case .fresh:
            (message, cause) = ("The volume has not been set up. Run `stoa migrate up`.", "no schema")
        case .older:
            (message, cause) = (
                "The volume's schema is older than this program. Run `stoa migrate up`.",
                "pending: \(pending.map(\.name).joined(separator: ", "))"
            )
        case .newer:
            (message, cause) = (
                "The volume's schema is newer than this program. Run a newer version of Stoa.",
                "version \(applied.last?.version ?? 0)"
            )
        case .drifted(let sentence):
            (message, cause) = (
                "The volume's schema is not one of this program's. Look at it with `stoa migrate status`.",
                sentence
            )
        }
        return ChatError(.unavailable, message, cause: "shard \(shard): \(cause)")
    }
}
