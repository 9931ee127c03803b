import ChatCore
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One of the 256 folders of session files, `sessions/ab`, with the lock that every change in it takes.
/// Everything blocks.
///
/// One lock a folder, not one a session: its file is never renamed or removed, so a lock on it means what it
/// says without a second look at the inode; there are at most 256 of them, so that a task keeps them open and
/// pays no OPEN and CLOSE a change; and its holder knows that every temporary file in the folder was left by
/// somebody who died. The price is that two of 256 sessions meet once in a while.
final class SessionFolder: Sendable {
    /// What a change does to a session's file.
    enum Edit: Sendable {
        case keep
        case replace(SessionDocument)
    }

    /// What is in a session's file.
    struct SessionFile: Codable {
        static let formatKnown = 2
        /// A program that does not know alternatives would show all of them, so it must not read the second
        /// format.
        let format: Int
        let document: SessionDocument
        /// The session it was before its key was rotated: see `SessionFolder+Rotation`.
        let was: SessionID?

        init(_ document: SessionDocument, was: SessionID? = nil) {
            format = document.hasBranching ? 2 : 1
            self.document = document
            self.was = was
        }
    }

    /// A session past this size takes no more: each change rewrites all of it.
    static let sessionBytesMax = 64 * 1024 * 1024
    /// A lock is trusted for this long. A host that is cut off for a lease (90 s at a Linux server) loses its
    /// locks, and a rename carries no proof of one, unlike a write to the locked file itself: a task that
    /// wakes up too late has to notice by its clock. That narrows the window to the time between the look and
    /// the rename; it cannot close it.
    static let lockTrustedSecondsMax = 20
    private static let sweptSecondsMax = 24 * 3_600
    private static let lockName = ".lock"

    let path: String
    private let lock: FileLock
    private let isSwept = Atomic(false)

    /// Makes the folder if it is missing, and opens its lock.
    /// - Throws: `SystemCallError`.
    init(_ path: String) throws {
        // Always asked of the server, unlike a look-up, which may remember for 30 s that a name does not
        // exist.
        try AtomicFile.createFolder(path)
        self.path = path
        lock = try FileLock("\(path)/\(Self.lockName)", create: true)
    }

    /// The session's document, or nil when there is none, or it is another session's by now. Takes no lock: a
    /// file is replaced in one step, so what is read is whole, and opening it asks the server for the present
    /// one (see ``AtomicFile/read(_:in:bytesMax:)``).
    /// - Throws: `SystemCallError`; `ChatError` `unavailable` for a file that is damaged.
    func read(_ session: SessionID) throws -> SessionDocument? {
        guard let file = try file(session), file.was != session else { return nil }
        return file.document
    }

    /// The file of that session's name.
    func file(_ session: SessionID) throws -> SessionFile? {
        guard
            let bytes = try AtomicFile.read(Self.fileName(session), in: path, bytesMax: Self.sessionBytesMax)
        else {
            return nil
        }
        guard let file = try? JSONDecoder().decode(SessionFile.self, from: Data(bytes)),
            file.document.session.id == session || file.was == session
        else { throw Self.damaged(session, bytes) }
        return file
    }

    /// The answers that run in the sessions of a folder, which need not exist. A file that did not change for
    /// a day is not read: reading all of them is what this store cannot do cheaply, and a running answer is
    /// written to several times a second. Takes no lock.
    /// - Throws: `SystemCallError`. A file that is damaged is passed over.
    static func runningAnswers(in path: String, limit: Int) throws -> [RunningAnswer] {
        var found: [RunningAnswer] = []
        for name in try AtomicFile.namesIfAny(in: path) where name.hasSuffix(".json") && found.count < limit {
            guard let age = AtomicFile.secondsSinceChange(of: name, in: path), age < sweptSecondsMax,
                let bytes = try AtomicFile.read(name, in: path, bytesMax: sessionBytesMax),
                let file = try? JSONDecoder().decode(SessionFile.self, from: Data(bytes))
            else { continue }
            found += file.document.runningAnswers
        }
        return Array(found.prefix(limit))
    }

    /// Reads, changes and stores a session's document under the folder's lock.
    /// - Returns: nil when another process has the lock; nothing was done.
    /// - Throws: as ``read(_:)`` and what `body` throws, and then nothing was changed; `SystemCallError`.
    func edit<Value>(
        _ session: SessionID, _ body: (SessionDocument?) throws -> (Value, Edit)
    ) throws -> Value? {
        try locked { deadline in
            try finishMove(of: session, deadline)
            let (value, edit) = try body(try read(session))
            if case .replace(let document) = edit { try write(SessionFile(document), to: session, deadline) }
            return value
        }
    }

    func write(_ file: SessionFile, to session: SessionID, _ deadline: ContinuousClock.Instant) throws {
        let bytes = Array(try JSONEncoder().encode(file))
        guard bytes.count <= Self.sessionBytesMax else {
            throw ChatError(.limitReached, "This session is full. Delete conversations first.")
        }
        try AtomicFile.replace(Self.fileName(session), in: path, with: bytes) { try Self.confirm(deadline) }
    }

    /// Removes a session's file, a damaged one too. One that is gone is no error.
    /// - Returns: nil when another process has the lock; nothing was done.
    func remove(_ session: SessionID) throws -> Void? {
        try locked { deadline in
            // A damaged file is removed too.
            try? finishMove(of: session, deadline)
            try Self.confirm(deadline)
            try AtomicFile.remove(Self.fileName(session), in: path)
        }
    }

    /// Removes a session's file if `isWanted` says so of what it holds.
    /// - Returns: whether it was removed; nil when another process has the lock, and nothing was done.
    func remove(_ session: SessionID, if isWanted: (SessionDocument) -> Bool) throws -> Bool? {
        try locked { deadline in
            guard let document = try read(session), isWanted(document) else { return false }
            try Self.confirm(deadline)
            try AtomicFile.remove(Self.fileName(session), in: path)
            return true
        }
    }

    func locked<Value>(_ body: (ContinuousClock.Instant) throws -> Value) throws -> Value? {
        // The clock goes on while a machine sleeps (CLOCK_BOOTTIME); it starts before the lock does.
        let deadline = ContinuousClock.now + .seconds(Self.lockTrustedSecondsMax)
        guard try lock.tryLock() else { return nil }
        defer { try? lock.unlock() }
        if !isSwept.load(ordering: .relaxed) {
            try AtomicFile.removeTemporaryFiles(in: path)
            isSwept.store(true, ordering: .relaxed)
        }
        return try body(deadline)
    }

    static func confirm(_ deadline: ContinuousClock.Instant) throws {
        guard ContinuousClock.now < deadline else {
            throw ChatError(
                .unavailable, "The volume was away for too long. Try again.", retryAfterMilliseconds: 1_000,
                cause: "a lock grew too old before its change was stored")
        }
    }

    /// What is in a file's bytes; nil when they are damaged or of a later format.
    static func file(in bytes: [UInt8]) -> SessionFile? {
        try? JSONDecoder().decode(SessionFile.self, from: Data(bytes))
    }

    /// The document in a file's bytes; nil when they are damaged or of a later format.
    static func document(in bytes: [UInt8]) -> SessionDocument? { file(in: bytes)?.document }

    static func fileName(_ session: SessionID) -> String { "\(session.hexadecimal).json" }

    private static func damaged(_ session: SessionID, _ bytes: [UInt8]) -> ChatError {
        struct Format: Decodable { let format: Int }
        let format = (try? JSONDecoder().decode(Format.self, from: Data(bytes)))?.format ?? 0
        let isNewer = format > SessionFile.formatKnown
        return ChatError(
            .unavailable,
            isNewer
                ? "Session \(session.short) was stored by a newer version of this program."
                : """
                Session \(session.short) is damaged on the volume and was left untouched. Its operator \
                can restore it from a backup.
                """,
            cause: "session \(session.short): file of \(bytes.count) bytes, format \(format)")
    }
}
