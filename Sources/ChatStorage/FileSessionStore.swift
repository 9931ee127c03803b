package import ChatCore
import Synchronization

/// Keeps each session in one JSON file on the volume, `sessions/ab/<id>.json`.
///
/// A change reads the whole file, changes it under a lock that excludes every other process and host, and
/// replaces it: a new file, fsync, rename. A file that was acknowledged therefore survives kills and power
/// cuts, and no reader ever sees half of one. What a file cannot do is be cheap (the thousandth turn rewrites
/// the thousand before it) and fence a host that lost its lock in the very moment of the rename
/// (``SessionFolder/lockTrustedSecondsMax``).
package final class FileSessionStore: SessionDocumentStore {
    /// Threads for file calls. A folder belongs to one of them, so two calls of this process never wait for
    /// each other's lock. More than the cores, because they wait for the network.
    private static let lanesCount = 8
    /// Calls that may wait or run in one lane; one more is told `busy` at once.
    private static let callsPerLaneMax = 128
    private static let noun = "The session's storage"

    /// The calls of some of the folders.
    private final class Lane: Sendable {
        let blocking: BlockingLane
        let calls = Mutex(0)
        let folders = Mutex<[String: SessionFolder]>([:])

        init(_ index: Int) {
            blocking = BlockingLane(label: "stoa.files.\(index)", jobsMax: FileSessionStore.callsPerLaneMax)
        }
    }

    /// What imports have put aside.
    package let staged = StagedImports()
    private let sessionsFolder: String
    let metrics = StoreMetrics()
    /// Times a folder's lock was taken.
    let lockMisses = Counter()
    private let lanes: [Lane]
    private let isClosed = Atomic(false)

    /// - Parameter volume: one whose manifest says `files`.
    package init(volume: Volume) {
        precondition(volume.manifest.store == .files, "this volume keeps its sessions elsewhere")
        sessionsFolder = volume.sessionsFolder
        lanes = (0..<Self.lanesCount).map(Lane.init)
    }

    package func createSession(_ session: Session) async throws -> Session {
        try await edit(session.id) { document in
            if let document { return (document.session, .keep) }
            return (session, .replace(SessionDocument(session)))
        }
    }

    package func deleteSession(_ id: SessionID) async throws {
        try await untilLocked(id) { try $0.remove(id) }
        staged.discardAll(of: id)
    }

    /// One folder, so that one lock does.
    package func isSamePlace(_ left: SessionID, _ right: SessionID) -> Bool {
        left.bytes[0] == right.bytes[0]
    }

    package func rotateSession(_ id: SessionID, to successor: SessionID) async throws -> Session {
        precondition(isSamePlace(id, successor), "a session becomes another one of its folder")
        let session = try await untilLocked(id) { try $0.rotate(id, to: successor) }
        staged.discardAll(of: id)
        return session
    }

    package func read<Result: Sendable>(
        _ session: SessionID, _ body: @escaping @Sendable (SessionDocument) throws -> Result
    ) async throws -> Result {
        let document = try await call(session.bytes[0], about: session, isWrite: false) { lane, deadline in
            try await self.run(session, on: lane, until: deadline) { try $0.read(session) }
        }
        guard let document else { throw ChatError.unknownSession }
        return try body(document)
    }

    package func change<Result: Sendable>(
        _ session: SessionID, _ body: @escaping @Sendable (inout SessionDocument) throws -> Result
    ) async throws -> Result {
        try await edit(session) { document in
            guard let document else { throw ChatError.unknownSession }
            var changed = document
            let result = try body(&changed)
            return (result, changed == document ? .keep : .replace(changed))
        }
    }

    /// A folder is a part.
    package var sweepPartsCount: Int { 256 }

    package func runningAnswers(inPart part: Int, limit: Int) async throws -> [RunningAnswer] {
        try await call(UInt8(part), about: nil, isWrite: false) { lane, deadline in
            try await lane.blocking.run(until: deadline) {
                if self.isClosed.load(ordering: .sequentiallyConsistent) { throw ChatError.closed }
                return try SessionFolder.runningAnswers(in: self.path(UInt8(part)), limit: limit)
            }
        }
    }

    /// Lets what runs end, refuses what waits, closes the locks' files.
    package func close() async {
        isClosed.store(true, ordering: .sequentiallyConsistent)
        let deadline = ContinuousClock.now + .milliseconds(Limits.storeWaitMilliseconds)
        for lane in lanes {
            try? await lane.blocking.run(until: deadline) { lane.folders.withLock { $0 = [:] } }
        }
    }

    /// The folder that holds all folders of sessions.
    var folder: String { sessionsFolder }

    /// Runs `body` off the cooperative pool, on the lane of a folder.
    func onLane<Value: Sendable>(_ folder: UInt8, _ body: @escaping @Sendable () throws -> Value) async throws
        -> Value
    {
        try await call(folder, about: nil, isWrite: false) { lane, deadline in
            try await lane.blocking.run(until: deadline) {
                if self.isClosed.load(ordering: .sequentiallyConsistent) { throw ChatError.closed }
                return try body()
            }
        }
    }

    /// Puts a session in the place of what is there of it.
    func replace(_ document: SessionDocument) async throws {
        try await edit(document.session.id) { found in
            ((), found == document ? .keep : .replace(document))
        }
    }

    /// Removes a session's file if `isWanted` says so of what it holds, which nobody changes meanwhile.
    /// - Returns: whether it was removed.
    func removeFile(
        of session: SessionID, if isWanted: @escaping @Sendable (SessionDocument) -> Bool
    ) async throws -> Bool {
        try await untilLocked(session) { try $0.remove(session, if: isWanted) }
    }

    private func edit<Value: Sendable>(
        _ session: SessionID,
        _ body: @escaping @Sendable (SessionDocument?) throws -> (Value, SessionFolder.Edit)
    ) async throws -> Value {
        try await untilLocked(session) { try $0.edit(session, body) }
    }

    /// Calls `body` until it does not say nil, that is until the folder's lock was free, or until the
    /// deadline.
    ///
    /// A whole change is one call in the lane, lock included, and between two tries nothing is held: neither
    /// the thread nor the lock, so that a cancelled caller leaves nothing behind.
    private func untilLocked<Value: Sendable>(
        _ session: SessionID, _ body: @escaping @Sendable (SessionFolder) throws -> Value?
    ) async throws -> Value {
        try await call(session.bytes[0], about: session, isWrite: true) { lane, deadline in
            var backoff = Backoff()
            while true {
                if let value = try await self.run(session, on: lane, until: deadline, body) { return value }
                lockMisses.add()
                let pause = backoff.next()
                guard ContinuousClock.now + pause < deadline else {
                    throw ChatError.busy(Self.noun, cause: "another task kept the lock")
                }
                try await Task.sleep(for: pause)
            }
        }
    }

    /// Counts the call in and out, gives it its deadline and translates its errors.
    private func call<Value: Sendable>(
        _ folder: UInt8, about session: SessionID?, isWrite: Bool,
        _ body: (Lane, ContinuousClock.Instant) async throws -> Value
    ) async throws -> Value {
        let began = ContinuousClock.now
        do {
            let value = try await admit(folder, about: session, body)
            metrics.recordOperation(isWrite: isWrite, since: began)
            return value
        } catch {
            metrics.recordOperation(isWrite: isWrite, since: began, error: error)
            throw error
        }
    }

    private func admit<Value: Sendable>(
        _ folder: UInt8, about session: SessionID?,
        _ body: (Lane, ContinuousClock.Instant) async throws -> Value
    ) async throws -> Value {
        let lane = lanes[Int(folder) % lanes.count]
        let isAdmitted = lane.calls.withLock { calls in
            guard calls < Self.callsPerLaneMax else { return false }
            calls += 1
            return true
        }
        guard isAdmitted else { throw ChatError.busy(Self.noun, cause: "queue full") }
        defer { lane.calls.withLock { $0 -= 1 } }
        return try await ChatError.mapping(Self.noun, about: session) {
            try await body(lane, .now + .milliseconds(Limits.storeWaitMilliseconds))
        }
    }

    private func run<Value: Sendable>(
        _ session: SessionID, on lane: Lane, until deadline: ContinuousClock.Instant,
        _ body: @escaping @Sendable (SessionFolder) throws -> Value
    ) async throws -> Value {
        let path = path(session.bytes[0])
        return try await lane.blocking.run(until: deadline) {
            if self.isClosed.load(ordering: .sequentiallyConsistent) { throw ChatError.closed }
            let known = lane.folders.withLock { $0[path] }
            let folder = try known ?? SessionFolder(path)
            do {
                let value = try body(folder)
                if known == nil { lane.folders.withLock { $0[path] = folder } }
                return value
            } catch let error as SystemCallError {
                // After a lost lease every use of the descriptor says EIO, after a removed folder ESTALE:
                // begin anew.
                lane.folders.withLock { $0[path] = nil }
                throw error
            }
        }
    }

    /// Calls that wait or run now.
    var callsCount: Int { lanes.reduce(0) { $0 + $1.calls.withLock { $0 } } }

    private func path(_ folder: UInt8) -> String {
        "\(sessionsFolder)/\(Volume.hexadecimal(Int(folder)))"
    }
}
