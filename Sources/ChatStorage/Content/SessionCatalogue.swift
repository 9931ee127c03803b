package import ChatCore
package import Logging

/// All sessions of a volume, for its operator: listed, shown, removed. Works beside any number of tasks, as
/// one more of them, and holds nothing for longer than a batch.
package protocol SessionCatalogue: Sendable {
    /// Sessions are listed part by part: a shard, or a folder of files.
    var partsCount: Int { get }

    /// Sessions of one part with ids after `id`, in ascending order.
    func summaries(inPart part: Int, after id: SessionID?, limit: Int) async throws -> [SessionSummary]

    /// A session with all it owns; nil when there is none.
    func document(of id: SessionID) async throws -> SessionDocument?

    /// Removes a session with all it owns, if it was not used since `before`; nil is in any case.
    /// - Returns: whether there was something to remove.
    func remove(_ id: SessionID, unusedSince before: Timestamp?) async throws -> Bool

    /// Ids of one part after `id`, in ascending order, each with a text that stays the same only while the
    /// session does; nil where only a look can tell.
    func marks(inPart part: Int, after id: SessionID?, limit: Int) async throws -> [SessionMark]

    /// Puts a session in the place of what is there of it.
    func put(_ document: SessionDocument) async throws

    /// Empties the logs, so that what was removed is overwritten and gone. Only of meaning for databases.
    func purge(part: Int) async throws
}

/// A session, and what tells whether it changed.
package struct SessionMark: Hashable, Sendable {
    /// Its id.
    package let id: SessionID
    /// The same as long as the session is; nil is unknown.
    package let mark: String?
}

extension SessionCatalogue {
    /// Every session, part by part.
    package func forEach(_ body: (SessionSummary) async throws -> Bool) async throws {
        for part in 0..<partsCount {
            var last: SessionID?
            while true {
                try Task.checkCancellation()
                let page = try await summaries(inPart: part, after: last, limit: 100)
                guard let end = page.last else { break }
                for summary in page where try await !body(summary) { return }
                last = end.id
            }
        }
    }
}

extension SQLiteSessionStore: SessionCatalogue {
    package var partsCount: Int { shards.count }

    package func summaries(inPart part: Int, after id: SessionID?, limit: Int) async throws
        -> [SessionSummary]
    {
        try await shards[part].read { try SessionDocumentTable($0).summaries(after: id, limit: limit) }
    }

    package func document(of id: SessionID) async throws -> SessionDocument? {
        try await shards[ShardFile.number(of: id, count: shards.count)].read {
            try SessionDocumentTable($0).document(of: id)
        }
    }

    /// Conversation by conversation, so that no transaction is longer than the largest of them.
    package func remove(_ id: SessionID, unusedSince before: Timestamp?) async throws -> Bool {
        let shard = shards[ShardFile.number(of: id, count: shards.count)]
        while true {
            let isDone = try await shard.write { connection -> Bool? in
                try SessionDocumentTable(connection).removeStep(id, unusedSince: before)
            }
            guard let isDone else { return false }
            if isDone { return true }
        }
    }

    package func marks(inPart part: Int, after id: SessionID?, limit: Int) async throws -> [SessionMark] {
        try await shards[part].read { connection in
            try SessionDocumentTable(connection).entries(after: id, limit: limit).map {
                SessionMark(id: $0.session.id, mark: $0.isRunning ? nil : "\($0.version)")
            }
        }
    }

    package func put(_ document: SessionDocument) async throws {
        try await shards[ShardFile.number(of: document.session.id, count: shards.count)].write {
            try SessionDocumentTable($0).store(document)
        }
    }

    package func purge(part: Int) async throws { try await shards[part].purge() }
}

extension SessionDocumentTable {
    /// Removes a conversation of a session, or the session when it has none left.
    /// - Returns: whether the session is gone now; nil when there is none, or it was used since `before`.
    func removeStep(_ id: SessionID, unusedSince before: Timestamp?) throws -> Bool? {
        guard let summary = try summary(of: id) else { return nil }
        // A session that is half removed and used again is one that lost its oldest conversations: so the
        // newest goes last.
        if let before, summary.used >= before { return nil }
        let oldest = try connection.first(
            """
            SELECT c.id FROM session AS s JOIN conversation AS c ON c.session = s.number
            WHERE s.id = ? ORDER BY c.updated_ms, c.number LIMIT 1
            """, [.blob(id.bytes)]
        ) { row throws(SQLiteError) in ConversationID(uncheckedRawValue: try row.text(0)) }
        if let oldest, summary.conversations > 1 {
            try ConversationTable(connection).delete(oldest, of: id)
            return false
        }
        try SessionTable(connection).delete(id)
        return true
    }
}

extension FileSessionStore: SessionCatalogue {
    package var partsCount: Int { SessionFiles.count }

    package func summaries(inPart part: Int, after id: SessionID?, limit: Int) async throws
        -> [SessionSummary]
    {
        let files = SessionFiles(part, at: folder)
        return try await onLane(UInt8(part)) {
            try files.names().lazy.compactMap { SessionID(hexadecimal: $0.dropLast(5)) }
                .filter { candidate in id.map { $0.hexadecimal < candidate.hexadecimal } ?? true }
                .prefix(limit)
                .compactMap { id in
                    // A file that is damaged is `volume verify`'s to report, and nothing is known of it here.
                    try files.bytes(of: "\(id.hexadecimal).json").flatMap(SessionFolder.document)
                        .map(SessionSummary.init)
                }
        }
    }

    package func document(of id: SessionID) async throws -> SessionDocument? {
        let files = SessionFiles(Int(id.bytes[0]), at: folder)
        return try await onLane(id.bytes[0]) {
            try files.bytes(of: "\(id.hexadecimal).json").flatMap(SessionFolder.document)
        }
    }

    package func remove(_ id: SessionID, unusedSince before: Timestamp?) async throws -> Bool {
        try await removeFile(of: id) { document in
            before.map { SessionSummary(document).used < $0 } ?? true
        }
    }

    package func marks(inPart part: Int, after id: SessionID?, limit: Int) async throws -> [SessionMark] {
        let files = SessionFiles(part, at: folder)
        return try await onLane(UInt8(part)) {
            try files.names().lazy.compactMap { SessionID(hexadecimal: $0.dropLast(5)) }
                .filter { candidate in id.map { $0.hexadecimal < candidate.hexadecimal } ?? true }
                .prefix(limit)
                .map { SessionMark(id: $0, mark: files.mark(of: "\($0.hexadecimal).json")) }
        }
    }

    package func put(_ document: SessionDocument) async throws { try await replace(document) }

    package func purge(part: Int) async throws {}
}

extension Volume {
    /// Pages of all shards together that are kept in memory, in KiB: whoever goes through a whole volume
    /// reads each of them once.
    private static let catalogueCacheKibibytes = 32 * 1_024

    private func catalogueEngine() throws -> any StorageEngine {
        guard var engine = try storageEngine() as? VolumeEngine else { return try storageEngine() }
        engine.cacheKibibytes = max(128, Self.catalogueCacheKibibytes / max(1, manifest.shards))
        return engine
    }

    /// Short logs, for the same reason: a process holds what it has written of each.
    private static var catalogueBounds: Shard.Bounds {
        var bounds = Shard.Bounds()
        bounds.logFramesMax = 250
        return bounds
    }

    /// The sessions of this volume, for its operator; closed like a store.
    /// - Throws: ``ChatError`` when this program has no such engine.
    package func catalogue(logger: Logger) throws -> any SessionCatalogue & SessionStore {
        switch manifest.store {
        case .sqlite:
            SQLiteSessionStore(
                folder: folder, shardCount: manifest.shards, engine: try catalogueEngine(),
                bounds: Self.catalogueBounds, logger: logger)
        case .files: FileSessionStore(volume: self)
        }
    }
}
