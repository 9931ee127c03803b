/// A search through the titles and the shown messages of a session.
///
/// A message is found when it holds every word that the title of its conversation lacks; when the title holds
/// all of them, it is found itself, and a message has to hold all of them too. The store only hands out texts
/// (``SessionReading/texts(of:from:bounds:)``), a bounded stretch at a time; comparing is done here, while
/// nobody waits for the store.
package struct Search: Sendable {
    private let query: SearchQuery
    private let limit: Int
    private var fold = TextFold()
    private var results: [SearchResult] = []

    /// - Parameter limit: conversations found in one step, 1 to ``Limits/searchPageMax``; more is cut to
    ///   that.
    package init(_ query: SearchQuery, limit: Int) {
        self.query = query
        self.limit = min(max(limit, 1), Limits.searchPageMax)
    }

    /// One step: reads at most ``ReadBounds/search`` and returns what was found.
    /// - Throws: as ``SessionReading/texts(of:from:bounds:)``.
    package consuming func page(
        of session: SessionID, from place: SearchPlace?, in store: any SessionStore
    ) async throws -> SearchPage {
        var meter = ReadMeter(.search)
        var place = place
        repeat {
            let stretch = try await store.texts(of: session, from: place, bounds: meter.rest)
            for (index, part) in stretch.parts.enumerated() {
                let isLast = index == stretch.parts.count - 1
                let isEnough = look(at: part, &meter)
                // The rest of a conversation in which enough was found is passed over.
                place = isLast && !isEnough ? stretch.next : SearchPlace(after: part.conversation)
                if isLast, stretch.next == nil { place = nil }
                if results.count == limit { return SearchPage(results: results, next: place) }
                await Task.yield()
            }
            if stretch.parts.isEmpty { place = stretch.next }
        } while place != nil && !meter.isSpent
        return SearchPage(results: results, next: place)
    }

    /// - Returns: whether enough was found in this conversation.
    private mutating func look(at part: SearchStretch.Part, _ meter: inout ReadMeter) -> Bool {
        let title = fold.bytes(of: part.conversation.title)
        let lacking = query.words.filter { SearchQuery.place(of: $0, in: title) == nil }
        if !part.isContinued {
            meter.count(part.conversation.searchedBytes)
            if lacking.isEmpty {
                let snippet = Snippet(
                    of: part.conversation.title, words: query.words, fold: &fold,
                    scalarsMax: Limits.titleBytesMax)
                add(SearchHit(message: nil, snippet: snippet), in: part.conversation)
            }
        }
        let sought = lacking.isEmpty ? query.words : lacking
        for text in part.messages {
            meter.count(text.text.utf8.count)
            let folded = fold.bytes(of: text.text)
            guard sought.allSatisfy({ SearchQuery.place(of: $0, in: folded) != nil }) else { continue }
            let snippet = Snippet(
                of: text.text, words: query.words, fold: &fold, scalarsMax: Limits.snippetScalarsMax)
            add(SearchHit(message: text.message, snippet: snippet), in: part.conversation)
            if results.last?.hits.count == Limits.searchHitsPerConversationMax { return true }
        }
        return false
    }

    private mutating func add(_ hit: SearchHit, in conversation: Conversation) {
        if results.last?.conversation.id == conversation.id {
            results[results.count - 1].hits.append(hit)
        } else {
            results.append(SearchResult(conversation: conversation, hits: [hit]))
        }
    }
}

extension Conversation {
    /// What it counts for where bytes are counted: its texts.
    package var searchedBytes: Int { title.utf8.count + (systemPrompt?.utf8.count ?? 0) }
}
