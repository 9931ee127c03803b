package import ChatCore

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

/// A task that lives, as its lock's file tells.
package struct LivingTask: Hashable, Sendable, Codable {
    /// Its id.
    package let task: TaskID
    /// The host it runs on.
    package let host: String
    /// Its process on that host.
    package let pid: Int
    /// When it began, by its host's clock.
    package let started: Timestamp
    /// The newest migration it knows; nil for a program that does not say, which cannot live with any newer.
    package let schema: Int?
    /// Where its metrics are, `host:port`; nil while it does not listen yet.
    package var metrics: String?

    private enum CodingKeys: String, CodingKey {
        case task, host, pid, schema, metrics
        case started = "started_ms"
    }

    /// This process.
    static func own(_ task: TaskID, host: String) -> LivingTask {
        LivingTask(
            task: task, host: host, pid: Int(getpid()), started: .now(),
            schema: [Migration].embedded.last?.version)
    }

    /// What the file says, for people too.
    func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}

extension TaskPresence {
    private static let labelBytesMax = 4_096

    /// The tasks that live on a volume, by their locks; in no order. One that is just starting or ending may
    /// be missing.
    /// - Throws: `VolumeError` when the volume does not tell.
    package static func living(on volume: Volume) async throws -> [LivingTask] {
        let folder = volume.tasksFolder
        let lane = BlockingLane(label: "stoa.living", jobsMax: 1)
        do {
            return try await lane.run(until: .now + .seconds(Volume.answerSecondsMax)) {
                try AtomicFile.names(in: folder).compactMap { name in
                    guard try isLocked("\(folder)/\(name)", in: folder) else { return nil }
                    let bytes = try AtomicFile.read(name, in: folder, bytesMax: labelBytesMax) ?? []
                    if let task = try? JSONDecoder().decode(LivingTask.self, from: Data(bytes)) {
                        return task
                    }
                    // Locked and not labelled yet: it lives all the same.
                    guard let id = TaskID(rawValue: name) else { return nil }
                    return LivingTask(
                        task: id, host: "unknown", pid: 0, started: Timestamp(milliseconds: 0), schema: nil)
                }
            }
        } catch let error as SystemCallError {
            throw VolumeError(error, folder)
        } catch is BlockingLane.TimedOut {
            throw VolumeError(.noAnswer, "The list of tasks of \(volume.folder) does not answer.")
        }
    }
}
