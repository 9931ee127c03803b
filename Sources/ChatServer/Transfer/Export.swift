import ChatCore

/// Conversations of a session, read stretch by stretch and written as one file.
///
/// Nothing is held but a stretch and the ids. What changes meanwhile is in the file as it was when its turn
/// came; of a conversation that is deleted or emptied in mid-export there is what was read before.
struct Export: Sendable {
    /// Conversations asked for in one call; a stretch ends long before, unless they are nearly empty.
    private static let conversationsPerCallMax = 100
    private static let attemptsMax = 5

    private let ids: [ConversationID]
    private let session: SessionID
    private let store: any SessionStore

    init(_ ids: [ConversationID], of session: SessionID, store: any SessionStore) {
        self.ids = ids
        self.session = session
        self.store = store
    }

    /// The ids of all conversations of a session, in the order of the list at this moment: what is updated
    /// later moves in the list, and would be missed or seen twice by whoever follows it page by page.
    static func conversations(of session: SessionID, in store: any SessionStore) async throws
        -> [ConversationID]
    {
        var ids: [ConversationID] = []
        var known: Set<ConversationID> = []
        var cursor: ConversationListCursor?
        repeat {
            let page = try await store.conversations(
                of: session, after: cursor, limit: Limits.conversationsPageMax)
            for conversation in page.conversations where known.insert(conversation.id).inserted {
                ids.append(conversation.id)
            }
            cursor = page.next
        } while cursor != nil && ids.count < Limits.conversationsPerSessionMax
        return ids
    }

    /// Hands the file to `output`, a stretch at a time.
    func write(
        as format: ExportFormat, at time: Timestamp, _ output: ([UInt8]) async throws -> Void
    ) async throws {
        var writer: any ExportWriter = format.writer(at: time)
        try await output(writer.begin())
        var done = 0, position = 0
        while done < ids.count {
            let asked = Array(ids[done..<min(done + Self.conversationsPerCallMax, ids.count)])
            let stretch = try await stretch(asked, after: position)
            var bytes: [UInt8] = []
            for part in stretch.parts { writer.add(part, to: &bytes) }
            if !bytes.isEmpty { try await output(bytes) }
            done += stretch.next?.conversations ?? asked.count
            position = stretch.next?.position ?? 0
        }
        try await output(writer.end())
    }

    /// A store that is busy for a moment does not spoil a long download.
    private func stretch(_ ids: [ConversationID], after position: Int) async throws -> TranscriptStretch {
        var attempts = 0
        while true {
            do {
                return try await store.transcripts(of: ids, in: session, after: position, bounds: .batch)
            } catch let error as ChatError where error.code == .busy || error.code == .unavailable {
                attempts += 1
                guard attempts < Self.attemptsMax else { throw error }
                try await Task.sleep(for: .milliseconds(error.retryAfterMilliseconds ?? 1_000))
            }
        }
    }
}

/// How an export is written.
enum ExportFormat: String, Sendable {
    case json, markdown

    var mediaType: String {
        switch self {
        case .json: "application/json"
        case .markdown: "text/markdown; charset=utf-8"
        }
    }

    var suffix: String { self == .json ? "json" : "md" }

    func writer(at time: Timestamp) -> any ExportWriter {
        switch self {
        case .json: JSONExport(at: time)
        case .markdown: MarkdownExport()
        }
    }
}

/// Puts an export together, part by part.
protocol ExportWriter: Sendable {
    /// What comes before everything.
    mutating func begin() -> [UInt8]
    /// Adds a conversation or a part of one; parts of one come one after the other.
    mutating func add(_ part: TranscriptStretch.Part, to bytes: inout [UInt8])
    /// What comes after everything.
    mutating func end() -> [UInt8]
}
