import ChatCore
import ChatStorage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where the workers of a run on several hosts meet: a folder on the volume, in which each leaves a file for
/// each step that it has come to. Nothing else connects them.
///
/// Names are found by listing the folder, because an NFS client may remember for a minute that a name does
/// not exist, while opening a folder asks the server.
final class Meeting: Sendable {
    /// How long a worker waits for the others at a step.
    let patience: Duration
    /// From the moment the last one arrived to the common start, by the hosts' clocks.
    private static let headStart = 1_500
    private static let pollMilliseconds = 50
    /// Clocks that are further apart than this do not start together.
    private static let clocksApartMax = 5_000

    private let folder: String
    private let name: String
    private let count: Int
    private let lane = BlockingLane(label: "stoa.meeting", jobsMax: 4)

    /// - Parameters:
    ///   - folder: made when it is missing.
    ///   - count: workers of the run.
    init(folder: String, count: Int, patience: Duration) {
        self.folder = folder
        self.count = count
        self.patience = patience
        name = TaskID.make(host: Volume.hostName()).rawValue
    }

    /// Waits until all workers of the run are there.
    /// - Returns: this worker's number among them, from 0.
    /// - Throws: ``Refusal`` when somebody is missing at the end of the patience, or too many came.
    func join() async throws -> Int {
        let names = try await gather("join").names
        guard names.count == count else {
            throw Refusal("\(names.count) workers came to a run of \(count): choose a new --run")
        }
        return names.firstIndex(of: name) ?? 0
    }

    /// Waits until all workers have come to this step, and until a moment that all of them name.
    /// - Throws: ``Refusal`` when somebody is missing at the end of the patience.
    func start(_ step: String, until interruption: Interruption) async throws {
        let came = try await gather(step, until: interruption)
        let now = Int(Timestamp.now().milliseconds)
        let rest = (came.times.max() ?? now) + Self.headStart - now
        guard rest > 0 else { return }
        try await Task.sleep(for: .milliseconds(min(rest, Self.clocksApartMax)))
    }

    /// Waits until all workers have come to this step.
    @discardableResult
    func gather(_ step: String, until interruption: Interruption = Interruption()) async throws
        -> (names: [String], times: [Int])
    {
        let (folder, name) = (folder, name)
        try await run {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let now = Data("\(Timestamp.now().milliseconds)".utf8)
            try now.write(to: URL(filePath: "\(folder)/\(step)~\(name)"), options: .atomic)
        }
        let end = ContinuousClock.now + patience
        while true {
            let found = try await run {
                try FileManager.default.contentsOfDirectory(atPath: folder)
                    .filter { $0.hasPrefix("\(step)~") }.sorted()
            }
            if found.count >= count {
                let times = try await run {
                    found.compactMap { file in
                        FileManager.default.contents(atPath: "\(folder)/\(file)")
                            .flatMap { Int(String(decoding: $0, as: UTF8.self)) }
                    }
                }
                return (found.map { String($0.dropFirst(step.utf8.count + 1)) }, times)
            }
            guard ContinuousClock.now < end, !interruption.isAsked else {
                throw Refusal("only \(found.count) of \(count) workers came to \(step)")
            }
            try await Task.sleep(for: .milliseconds(Self.pollMilliseconds))
        }
    }

    private func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await lane.run(until: .now + .seconds(60), body)
    }
}
