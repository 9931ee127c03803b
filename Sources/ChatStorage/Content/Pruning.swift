package import ChatCore

/// Removes the sessions that were not used since a moment, part by part, and then empties the logs.
package struct Pruning: Sendable {
    /// How far it has come.
    package struct Tally: Hashable, Sendable {
        /// Sessions looked at, those deleted, and their messages.
        package var looked = 0
        package var deleted = 0
        package var messages = 0
    }

    private static let pageMax = 100
    private let catalogue: any SessionCatalogue
    private let before: Timestamp
    private let isRehearsal: Bool
    private let rest: Duration

    /// - Parameters:
    ///   - isRehearsal: only count.
    ///   - rest: between two sessions that are deleted, for whoever chats meanwhile.
    package init(
        _ catalogue: any SessionCatalogue, unusedSince before: Timestamp, isRehearsal: Bool = false,
        rest: Duration = .zero
    ) {
        self.catalogue = catalogue
        self.before = before
        self.isRehearsal = isRehearsal
        self.rest = rest
    }

    /// Prunes. Ended at any moment and run again it goes on: a session that is half gone is as old as before.
    /// - Parameter report: called after each part with the number of parts done.
    /// - Throws: ``ChatError``; `CancellationError`.
    package func run(report: @Sendable (Int, Tally) -> Void = { _, _ in }) async throws -> Tally {
        var tally = Tally()
        for part in 0..<catalogue.partsCount {
            var last: SessionID?
            while true {
                try Task.checkCancellation()
                let page = try await catalogue.summaries(inPart: part, after: last, limit: Self.pageMax)
                guard let end = page.last else { break }
                tally.looked += page.count
                for summary in page where summary.used < before {
                    if !isRehearsal {
                        // It may have been used since it was listed.
                        guard try await catalogue.remove(summary.id, unusedSince: before) else { continue }
                        if rest > .zero { try await Task.sleep(for: rest) }
                    }
                    tally.deleted += 1
                    tally.messages += summary.messages
                }
                last = end.id
            }
            // Also when nothing was deleted now: whoever did before may have been ended before this.
            if !isRehearsal { try await catalogue.purge(part: part) }
            report(part + 1, tally)
        }
        return tally
    }
}
