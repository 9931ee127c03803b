import ChatCore
import ChatStorage
import ChatTesting
import Foundation
import Testing

/// Two processes write into the same sessions of one volume; afterwards everything they were told is looked
/// for.
@Suite("Concurrent processes", .serialized)
struct ConcurrentProcessesTests {
    /// What a volume can be made of.
    enum Kind: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case files, portable, volume

        var store: VolumeManifest.Store { self == .files ? .files : .sqlite }
        var engine: VolumeManifest.Engine { self == .volume ? .volume : .portable }
        var testDescription: String { rawValue }
    }

    private let folder: TemporaryVolume
    private let seconds = ProcessInfo.processInfo.environment["STOA_HAMMER_SECONDS"].flatMap(Double.init) ?? 3
    private var path: String { folder.folder + "/volume" }

    init() throws { folder = try TemporaryVolume() }

    @Test("lose nothing, keep the order, and write nothing twice", arguments: Kind.allCases)
    func hammer(_ kind: Kind) async throws {
        try await judged(kind) { volume in
            let workers = try ["one", "two"].map { try worker($0, kind, volume, seed: 11) }
            var longest = 0.0
            for worker in workers { longest = max(longest, try await report(worker, kind)) }
            try await check(["one", "two"], volume, isKilled: false)
            return longest
        }
    }

    @Test("one of them may be killed in the middle", arguments: Kind.allCases)
    func kill(_ kind: Kind) async throws {
        try await judged(kind) { volume in
            let victim = try worker("victim", kind, volume, seed: 12)
            let survivor = try worker("survivor", kind, volume, seed: 12)
            for worker in [victim, survivor] { #expect(try await worker.nextLine() == "ready") }
            try await Task.sleep(for: .seconds(seconds / 2))
            try await victim.killAndWait()
            let longest = try await report(survivor, kind)
            try await check(["victim", "survivor"], volume, isKilled: true)
            return longest
        }
    }

    /// Lets `run` say how long anybody waited at most, on a volume of its own. On the engine `volume` that
    /// is bounded: a waiter that is starved by short holds in a row waits for longer than a hold and a rest
    /// (0.3 s), and does so each time; a busy machine does not.
    private func judged(_ kind: Kind, _ run: (String) async throws -> Double) async throws {
        var lowest = try await run(path)
        guard kind == .volume else { return }
        for round in 1...2 where lowest >= 1_000 { lowest = min(lowest, try await run("\(path)\(round)")) }
        #expect(lowest < 1_000)
    }

    private func worker(_ name: String, _ kind: Kind, _ volume: String, seed: Int) throws -> WorkerProcess {
        try WorkerProcess(
            "hammer", volume, "--store", kind.store.rawValue, "--engine", kind.engine.rawValue, "--sessions",
            "4", "--clients", "8", "--seconds",
            "\(seconds)",
            "--seed", "\(seed)", "--name", name, "--acks", "\(volume).\(name).acks")
    }

    /// - Returns: the longest time that a client waited, in milliseconds.
    private func report(_ worker: WorkerProcess, _ kind: Kind) async throws -> Double {
        let lines = try await worker.rest().filter { $0 != "ready" }
        #expect(try await worker.finish() == 0, "\(lines)")
        #expect(
            !lines.contains { $0.hasPrefix("error") || $0.contains("error=") || $0.contains("unavailable=") },
            "\(lines)")
        print("hammer \(kind.rawValue) \(Int(seconds)) s: \(lines.last ?? "said nothing")")
        return try #require(Self.number("max_ms", in: lines.last))
    }

    /// What `storage-worker check` looks for is said in its `AckCheck`.
    private func check(_ names: [String], _ volume: String, isKilled: Bool) async throws {
        let acks = names.flatMap { ["--acks", "\(volume).\($0).acks"] }
        let checker = try WorkerProcess([isKilled ? "check-killed" : "check", volume] + acks)
        let lines = try await checker.rest()
        #expect(try await checker.finish() == 0, "\(lines)")
        let acknowledged = Self.number("acknowledged", in: lines.last)
        #expect(try #require(acknowledged) >= 40, "hardly anything was acknowledged")
        let leftovers = try folder.files().filter { $0.contains(".tmp-") }
        // A killed worker was replacing each of the four sessions at most once.
        #expect(leftovers.count <= (isKilled ? 4 : 0))
    }

    private static func number(_ name: String, in line: String?) -> Double? {
        line?.split(separator: " ").first { $0.hasPrefix("\(name)=") }
            .flatMap { Double($0.dropFirst(name.count + 1)) }
    }

    @Test("what was lost, doubled, torn or kept against its word is found by the checker")
    func checkerFails() async throws {
        let worker = try worker("liar", .volume, path, seed: 13)
        _ = try await report(worker, .volume)
        let acks = "\(path).liar.acks"
        let lines = try String(contentsOfFile: acks, encoding: .utf8).split(separator: "\n")
        let words = try #require(lines.last { $0.hasPrefix("prompt") }).split(separator: " ").map(String.init)
        let lies = [
            "prompt \(words[1]) \(words[2]) \(String(words[3].reversed())) \(words[4])",
            "prompt \(words[1]) \(words[2]) \(words[3]) \(try #require(Int(words[4])) + 2)",
            "refused \(words[1]) \(words[2]) \(words[3]) 0",
            "answer \(words[1]) \(words[2]) \(String(words[3].reversed())) \(words[4])",
        ]
        for lie in lies {
            try (lines.joined(separator: "\n") + "\n\(lie)\n").write(
                toFile: acks, atomically: true, encoding: .utf8)
            let checker = try WorkerProcess("check", path, "--acks", acks)
            let said = try await checker.rest()
            #expect(try await checker.finish() == 1, "\(lie): \(said)")
        }
    }
}
