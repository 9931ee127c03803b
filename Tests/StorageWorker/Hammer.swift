import ChatCore
import ChatStorage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Many clients that write turns into the same few sessions and note what was acknowledged.
struct Hammer {
    private let arguments: Arguments

    init(_ arguments: Arguments) { self.arguments = arguments }

    /// Runs for the time asked.
    /// - Returns: what happened, as `name=number` words.
    func run() async throws -> String {
        let volume = try await Volume.openOrCreate(
            at: arguments.path, store: arguments.store, engine: arguments.engine, shards: arguments.shards)
        let store = try await WorkerStore.open(volume)
        let log = try AckLog(arguments.acks.first ?? "")
        let sessions = (0..<arguments.sessions).map { Self.session(seed: arguments.seed, index: $0) }
        for session in sessions { _ = try await persist { try await store.createSession(session) } }
        let owner = AnswerOwner(task: .make(host: arguments.name), host: arguments.name, epoch: 1)
        say("ready")
        let end = ContinuousClock.now + .seconds(arguments.seconds)
        let tally = Tally()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<arguments.clients {
                let client = HammerClient(
                    name: "\(arguments.name)-\(number)", store: store, sessions: sessions.map(\.id),
                    owner: owner, answerBytes: arguments.answerBytes, log: log, tally: tally)
                group.addTask { await client.run(until: end) }
            }
        }
        await store.close()
        return tally.summary(seconds: arguments.seconds)
    }

    /// The same sessions for every worker with the same seed.
    private static func session(seed: UInt64, index: Int) -> Session {
        let text = "hammer \(seed) \(index)"
        return Session(id: SessionID(hash: SHA256.hash(Array(text.utf8))), created: .now())
    }
}

/// Repeats a call that could not be made now, as clients do; gives up after 60 s.
func persist<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
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
        guard descriptor >= 0 else { throw Arguments.Malformed(what: "cannot write --acks") }
    }

    func note(_ ack: Ack) {
        let line = Array((ack.line + "\n").utf8)
        precondition(write(descriptor, line, line.count) == line.count, "the acks file takes no more")
    }
}
