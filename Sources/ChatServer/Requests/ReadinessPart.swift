/// A part of a task without which it takes no sessions.
package struct ReadinessPart: Sendable {
    /// One word, the same for ever: alerts name it.
    let name: String
    let check: @Sendable () async throws -> String?

    /// - Parameters:
    ///   - name: `volume`, `shards` …
    ///   - check: throws when the part is not ready, and returns a sentence when it works but not wholly. It
    ///     may block for as long as a volume does: nobody waits for it longer than the configured time.
    package init(_ name: String, check: @escaping @Sendable () async throws -> String?) {
        self.name = name
        self.check = check
    }
}

/// How a part was found.
struct PartState: Sendable {
    /// What a client is told.
    enum State: String, Sendable {
        case ready
        /// It works, but not for everybody.
        case degraded
        case failed
    }

    let name: String
    let state: State
    /// A sentence for people; nothing private.
    var detail: String?

    var json: JSONValue {
        var fields = [
            JSONValue.Field(name: "name", value: .string(name)),
            JSONValue.Field(name: "state", value: .string(state.rawValue)),
        ]
        if let detail { fields.append(JSONValue.Field(name: "detail", value: .string(detail))) }
        return .object(fields)
    }
}
