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
        let workers = try ["one", "two"].map { try worker($0, kind, seed: 11) }
        for worker in workers { try await report(worker, kind) }
        try await check(["one", "two"], isKilled: false)
    }

    @Test("one of them may be killed in the middle", arguments: Kind.allCases)
    func kill(_ kind: Kind) async throws {
        let victim = try worker("victim", kind, seed: 12)
        let survivor = try worker("survivor", kind, seed: 12)
        for worker in [victim, survivor] { #expect(try await worker.nextLine() == "ready") }
        try await Task.sleep(for: .seconds(seconds / 2))
        try await victim.killAndWait()
        try await report(survivor, kind)
        try await check(["victim", "survivor"], isKilled: true)
    }

    private func worker(_ name: String, _ kind: Kind, seed: Int) throws -> WorkerProcess {
        try WorkerProcess(
            "hammer", path, "--store", kind.store.rawValue, "--engine", kind.engine.rawValue, "--sessions",
            "4", "--clients", "8", "--seconds",
            "\(seconds)",
            "--seed", "\(seed)", "--name", name, "--acks", "\(folder.folder)/\(name).acks")
    }

    private func report(_ worker: WorkerProcess, _ kind: Kind) async throws {
        let lines = try await worker.rest().filter { $0 != "ready" }
        #expect(try await worker.finish() == 0, "\(lines)")
        #expect(
            !lines.contains { $0.hasPrefix("error") || $0.contains("error=") || $0.contains("unavailable=") },
            "\(lines)")
        if kind == .volume {
            // A waiter that is starved by short holds in a row waits for longer than a hold and a rest (0.3
            // s).
            let longest = Self.number("max_ms", in: lines.last)
            #expect(try #require(longest) < 1_000)
        }
        print("hammer \(kind.rawValue) \(Int(seconds)) s: \(lines.last ?? "said nothing")")
    }

    /// What `storage-worker check` looks for is said in its `AckCheck`.
    private func check(_ names: [String], isKilled: Bool) async throws {
        let acks = names.flatMap { ["--acks", "\(folder.folder)/\($0).acks"] }
        let checker = try WorkerProcess([isKilled ? "check-killed" : "check", path] + acks)
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
        let worker = try worker("liar", .volume, seed: 13)
        try await report(worker, .volume)
        let acks = "\(folder.folder)/liar.acks"
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
