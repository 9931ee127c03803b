import Synchronization

/// What imports have put aside, in this process: for stores that rewrite a whole session with each change,
/// and can gain nothing by keeping it anywhere else.
package final class StagedImports: Sendable {
    private struct Staged {
        let id: ImportID
        var messages: [Message]
        var bytes = 0
    }

    private let staged = Mutex<[SessionID: Staged]>([:])

    /// Nothing is put aside yet.
    package init() {}

    /// See ``SessionImporting/stageImport(_:of:in:)``.
    package func add(_ messages: [Message], of id: ImportID, in session: SessionID) throws {
        try staged.withLock { staged in
            guard let first = messages.first?.position else { return }
            if first == 1, staged[session]?.id != id { staged[session] = Staged(id: id, messages: []) }
            guard let count = staged[session]?.messages.count, staged[session]?.id == id, first <= count + 1
            else { throw ChatError.importOvertaken }
            let fresh = messages.drop { $0.position <= count }
            let bytes = (staged[session]?.bytes ?? 0) + fresh.reduce(0) { $0 + $1.said.bytes }
            guard bytes <= Limits.stagedBytesMax else {
                throw ChatError(.limitReached, "A conversation is too long for this server's storage.")
            }
            staged[session]?.messages += fresh
            staged[session]?.bytes = bytes
        }
    }

    /// All that was put aside.
    /// - Throws: ``ChatError/importOvertaken`` when these are not `count` messages.
    package func messages(_ count: Int, of id: ImportID, in session: SessionID) throws -> [Message] {
        let found = staged.withLock { $0[session].flatMap { $0.id == id ? $0.messages : nil } } ?? []
        guard found.count == count else { throw ChatError.importOvertaken }
        return found
    }

    /// Forgets all that a session's imports have put aside.
    package func discardAll(of session: SessionID) { staged.withLock { $0[session] = nil } }

    /// See ``SessionImporting/discardImport(_:in:)``.
    package func discard(_ id: ImportID, in session: SessionID) {
        staged.withLock { if $0[session]?.id == id { $0[session] = nil } }
    }
}

extension SessionDocumentStore {
    package func stageImport(_ messages: [Message], of id: ImportID, in session: SessionID) async throws {
        _ = try await self.session(session)
        try staged.add(messages, of: id, in: session)
    }

    package func commitImport(
        _ conversation: ImportedConversation, of id: ImportID, in session: SessionID
    ) async throws -> Bool {
        let staged = staged
        let isNew = try await change(session) { document in
            guard document.isRoom(for: conversation.conversation.id) else {
                if document.has(conversation.conversation.id) { return false }
                throw ChatError.sessionFull
            }
            let messages = try staged.messages(
                conversation.conversation.messageCount, of: id, in: session)
            document.add(ConversationDocument(conversation, messages: messages))
            return true
        }
        staged.discard(id, in: session)
        return isNew
    }

    package func discardImport(_ id: ImportID, in session: SessionID) async throws {
        _ = try await self.session(session)
        staged.discard(id, in: session)
    }
}
