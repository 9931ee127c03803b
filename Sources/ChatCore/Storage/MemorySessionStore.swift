/// The reference: keeps sessions in this process and loses them with it. For tests and for trying things out.
package actor MemorySessionStore: SessionDocumentStore {
    private var documents: [SessionID: SessionDocument] = [:]
    private var isClosed = false
    /// What imports have put aside.
    package nonisolated let staged = StagedImports()

    /// An empty store.
    package init() {}

    package func createSession(_ session: Session) throws -> Session {
        try checkOpen()
        let document = documents[session.id] ?? SessionDocument(session)
        documents[session.id] = document
        return document.session
    }

    package func deleteSession(_ id: SessionID) throws {
        try checkOpen()
        documents[id] = nil
        staged.discardAll(of: id)
    }

    package nonisolated func isSamePlace(_ left: SessionID, _ right: SessionID) -> Bool { true }

    package func rotateSession(_ id: SessionID, to successor: SessionID) throws -> Session {
        try checkOpen()
        guard var document = documents[id] else { return try self.document(successor).session }
        guard documents[successor] == nil else { throw ChatError.successorTaken }
        try document.become(successor)
        documents[id] = nil
        documents[successor] = document
        staged.discardAll(of: id)
        return document.session
    }

    package func read<Result: Sendable>(
        _ session: SessionID, _ body: @Sendable (SessionDocument) throws -> Result
    ) throws -> Result {
        try checkOpen()
        return try body(try document(session))
    }

    package func change<Result: Sendable>(
        _ session: SessionID, _ body: @Sendable (inout SessionDocument) throws -> Result
    ) throws -> Result {
        try checkOpen()
        var document = try document(session)
        let result = try body(&document)
        documents[session] = document
        return result
    }

    package nonisolated var sweepPartsCount: Int { 1 }

    package func runningAnswers(inPart part: Int, limit: Int) throws -> [RunningAnswer] {
        try checkOpen()
        return Array(documents.values.lazy.flatMap(\.runningAnswers).prefix(limit))
    }

    package func close() { isClosed = true }

    private func document(_ session: SessionID) throws -> SessionDocument {
        guard let document = documents[session] else { throw ChatError.unknownSession }
        return document
    }

    private func checkOpen() throws {
        if isClosed { throw ChatError.closed }
    }
}

extension ChatError {
    /// A key that opens nothing here: it was never made, or its session was deleted.
    package static let unknownSession = ChatError(.unauthorized, "This key opens no session.")
}
