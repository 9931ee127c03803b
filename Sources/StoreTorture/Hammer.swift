package import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Many clients that write turns into the same few sessions and note what was acknowledged.
package struct Hammer: Sendable {
    /// Who this worker is, in its prompts.
    package var name: String
    /// Sessions that all workers with the same seed share.
    package var sessions = 4
    /// Clients at once.
    package var clients = 8
    /// How long to write.
    package var seconds = 3.0
    /// Names the sessions.
    package var seed: UInt64 = 1
    /// How long an answer is at least.
    package var answerBytes = 0
    /// The acks file.
    package var acks: String

    /// A worker of this name that notes what it was told in `acks`.
    package init(name: String, acks: String) {
        self.name = name
        self.acks = acks
    }

    /// Runs for the time asked and closes the store.
    /// - Parameters:
    ///   - started: called when the sessions are there and writing begins.
    ///   - report: is told every error that is no plain "busy", in a line.
    /// - Returns: what happened, as `name=number` words.
    package func run(
        on store: any SessionStore, started: () -> Void, report: @escaping @Sendable (String) -> Void
    ) async throws -> String {
        let log = try AckLog(acks)
        let sessions = (0..<sessions).map { Self.session(seed: seed, index: $0) }
        for session in sessions { _ = try await persist { try await store.createSession(session) } }
        let owner = AnswerOwner(task: .make(host: name), host: name, epoch: 1)
        started()
        let end = ContinuousClock.now + .seconds(seconds)
        let tally = Tally()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<clients {
                let client = HammerClient(
                    name: "\(name)-\(number)", store: store, sessions: sessions.map(\.id),
                    owner: owner, answerBytes: answerBytes, log: log, tally: tally, report: report)
                group.addTask { await client.run(until: end) }
            }
        }
        await store.close()
        return tally.summary(seconds: seconds)
    }

    /// The same sessions for every worker with the same seed.
    private static func session(seed: UInt64, index: Int) -> Session {
        let text = "hammer \(seed) \(index)"
        return Session(id: SessionID(hash: SHA256.hash(Array(text.utf8))), created: .now())
    }
}

/// Repeats a call that could not be made now, as clients do; gives up after 60 s.
package func persist<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
        do {
            return try await body()
        } catch let error as ChatError
            where (error.code == .busy || error.code == .unavailable) && ContinuousClock.now < deadline
        {
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}

/// A file of lines, each written by one call: what is in it survives kill -9 of this process. ``Ack`` reads
/// them.
final class AckLog: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Ack.Malformed(what: "cannot write the acks file \(path)") }
    }

    deinit { _ = close(descriptor) }

    func note(_ ack: Ack) {
        let line = Array((ack.line + "\n").utf8)
        precondition(write(descriptor, line, line.count) == line.count, "the acks file takes no more")
    }
}
