import ChatCore

/// A session's file that gets another name, because its session got another key.
///
/// Two steps, each atomic: the file is replaced, under its old name, by one that says whose it will be, and
/// then renamed. Between them the old name is no session any more, and whoever comes across it finishes the
/// renaming, which is what a death in between comes to. A rename alone would not do: another host may find
/// the file by its old name for a while (`acdirmin`), and would take it for the old session's.
extension SessionFolder {
    /// Gives `session` the id `successor`, under the folder's lock.
    /// - Returns: the session under its new id; nil when another process has the lock, and nothing was done.
    /// - Throws: as ``SessionRotating/rotateSession(_:to:)``; `SystemCallError`.
    func rotate(_ session: SessionID, to successor: SessionID) throws -> Session? {
        try locked { deadline in
            try finishMove(of: session, deadline)
            if let document = try read(session) {
                guard try read(successor) == nil else { throw ChatError.successorTaken }
                try beginMove(of: document, to: successor, deadline)
                try finishMove(of: session, deadline)
            }
            guard let moved = try read(successor) else { throw ChatError.unknownSession }
            return moved.session
        }
    }

    /// The first step.
    func beginMove(
        of document: SessionDocument, to successor: SessionID, _ deadline: ContinuousClock.Instant
    ) throws {
        var moved = document
        let old = document.session.id
        try moved.become(successor)
        try write(SessionFile(moved, was: old), to: old, deadline)
    }

    /// The second step, if the first one was done. A name that is gone, because another host has renamed it
    /// and this one remembers it, is no error.
    func finishMove(of session: SessionID, _ deadline: ContinuousClock.Instant) throws {
        guard let file = try file(session), file.was == session else { return }
        try Self.confirm(deadline)
        try AtomicFile.rename(
            Self.fileName(session), to: Self.fileName(file.document.session.id), in: path)
    }
}
