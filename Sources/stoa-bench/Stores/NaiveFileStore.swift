import ChatCore
import ChatStorage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The pattern that chat servers on a shared folder begin with: one file a session, read whole, changed in
/// memory, written over in place, without a lock and without fsync.
///
/// A baseline and nothing else: whoever dies while writing leaves half a file, and of two writers one wins.
/// What it has in common with `FileSessionStore` is the document, so that the two differ only in how they
/// write.
final class NaiveFileStore: SessionDocumentStore {
    /// As many threads as `FileSessionStore` has; they wait for the network.
    private static let lanesCount = 8
    private static let callsPerLaneMax = 4_096
    /// A serialiser hands its buffer to the file in pieces: those of Python's pickle have 64 KiB.
    private static let pieceBytes = 65_536

    private let folder: String
    private let lanes: [BlockingLane]
    let staged = StagedImports()

    /// - Parameter folder: exists.
    init(folder: String) {
        self.folder = folder
        lanes = (0..<Self.lanesCount).map {
            BlockingLane(label: "stoa.naive.\($0)", jobsMax: Self.callsPerLaneMax)
        }
    }

    func createSession(_ session: Session) async throws -> Session {
        try await run(session.id) { path in
            if let document = try Self.load(path) { return document.session }
            try Self.save(SessionDocument(session), path)
            return session
        }
    }

    func deleteSession(_ id: SessionID) async throws {
        try await run(id) { path in _ = unlink(path) }
    }

    func read<Result: Sendable>(
        _ session: SessionID, _ body: @escaping @Sendable (SessionDocument) throws -> Result
    ) async throws -> Result {
        try await run(session) { path in
            guard let document = try Self.load(path) else { throw ChatError.unknownSession }
            return try body(document)
        }
    }

    func change<Result: Sendable>(
        _ session: SessionID, _ body: @escaping @Sendable (inout SessionDocument) throws -> Result
    ) async throws -> Result {
        try await run(session) { path in
            guard var document = try Self.load(path) else { throw ChatError.unknownSession }
            let result = try body(&document)
            try Self.save(document, path)
            return result
        }
    }

    func isSamePlace(_ left: SessionID, _ right: SessionID) -> Bool { true }

    func rotateSession(_ id: SessionID, to successor: SessionID) async throws -> Session {
        throw ChatError(.unavailable, "The pattern gives no session another key.")
    }

    var sweepPartsCount: Int { 1 }

    func runningAnswers(inPart part: Int, limit: Int) async throws -> [RunningAnswer] { [] }

    func close() async {}

    private func run<Value: Sendable>(
        _ session: SessionID, _ body: @escaping @Sendable (String) throws -> Value
    ) async throws -> Value {
        let path = "\(folder)/\(session.hexadecimal).json"
        do {
            return try await lanes[Int(session.bytes[1]) % lanes.count].run(
                until: .now + .milliseconds(Limits.storeWaitMilliseconds)
            ) { try body(path) }
        } catch is BlockingLane.TimedOut {
            throw ChatError.busy("The file", cause: "waited too long")
        } catch is BlockingLane.Full {
            throw ChatError.busy("The file", cause: "queue full")
        }
    }

    /// - Throws: `internal` for a file that is no session any more.
    private static func load(_ path: String) throws -> SessionDocument? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            if errno == ENOENT { return nil }
            throw ChatError(.unavailable, "The file cannot be opened.", cause: "errno \(errno)")
        }
        defer { systemClose(descriptor) }
        var bytes = [UInt8]()
        var piece = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = systemRead(descriptor, &piece, piece.count)
            guard count >= 0 else { throw ChatError(.unavailable, "The file cannot be read.") }
            if count == 0 { break }
            bytes.append(contentsOf: piece[..<count])
        }
        do {
            return try JSONDecoder().decode(SessionDocument.self, from: Data(bytes))
        } catch {
            throw ChatError(.internal, "The file holds no session: \(bytes.count) bytes of something else.")
        }
    }

    private static func save(_ document: SessionDocument, _ path: String) throws {
        let bytes = Array(try JSONEncoder().encode(document))
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ChatError(.unavailable, "The file cannot be opened.", cause: "errno \(errno)")
        }
        defer { systemClose(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(pieceBytes))
            let count = write(descriptor, piece, piece.count)
            guard count > 0 else { throw ChatError(.unavailable, "The file cannot be written.") }
            rest = rest.dropFirst(count)
        }
    }
}

/// read(2), whose name is also a method's here.
private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}

/// close(2), likewise.
private func systemClose(_ descriptor: Int32) { _ = close(descriptor) }
