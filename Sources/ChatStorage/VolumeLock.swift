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

/// A right that one process on all hosts may have at a time: to migrate, say. The kernel frees it with the
/// process, the volume's server with the host; nothing is to be tidied up. `locks/<purpose>` says who has it.
package final class VolumeLock: Sendable {
    /// What a process may be alone in.
    package enum Purpose: String, Sendable {
        /// Changing the schema.
        case migrate
        /// Writing into one and the same target: a restore, a conversion.
        case assemble
        /// Removing what is older than the operator keeps.
        case retention
    }

    /// Who has a lock.
    package struct Holder: Hashable, Sendable, Codable {
        /// Its host.
        package let host: String
        /// Its process on that host.
        package let pid: Int
        /// Since when, by that host's clock.
        package let since: Timestamp

        private enum CodingKeys: String, CodingKey {
            case host, pid
            case since = "since_ms"
        }
    }

    private static let labelBytesMax = 4_096
    private let own: FileLock

    private init(_ own: FileLock) { self.own = own }

    /// Lets the lock go; so does the end of this object.
    package func release() { try? own.unlock() }

    /// Takes the lock, or says who has it.
    /// - Parameter folder: the volume's; it exists.
    /// - Returns: nil when somebody else has it.
    /// - Throws: `VolumeError`.
    package static func tryTake(_ purpose: Purpose, in folder: String) async throws -> VolumeLock? {
        try await onLane(folder) {
            try AtomicFile.createFolder("\(folder)/locks")
            // Never removed: a lock on it means what it says without a second look.
            let lock = try FileLock("\(folder)/locks/\(purpose.rawValue)", create: true)
            guard try lock.tryLock() else { return nil }
            let holder = Holder(host: Volume.hostName(), pid: Int(getpid()), since: .now())
            try lock.write(Array(try JSONEncoder().encode(holder)) + [UInt8(ascii: "\n")])
            return VolumeLock(lock)
        }
    }

    /// Who wrote its name last; nil when nobody did. Only of meaning after ``tryTake(_:in:)`` said no.
    /// - Throws: `VolumeError`.
    package static func holder(of purpose: Purpose, in folder: String) async throws -> Holder? {
        try await onLane(folder) {
            let bytes = try AtomicFile.read(
                purpose.rawValue, in: "\(folder)/locks", bytesMax: labelBytesMax)
            return bytes.flatMap { try? JSONDecoder().decode(Holder.self, from: Data($0)) }
        }
    }

    /// Takes the lock, waiting for whoever has it.
    /// - Parameter waiting: told once who has it, when it is not free at once.
    /// - Throws: ``ChatError/Code/busy`` at the deadline, naming the holder; `VolumeError`;
    ///   `CancellationError`.
    package static func take(
        _ purpose: Purpose, in folder: String, until deadline: ContinuousClock.Instant,
        waiting: @Sendable (Holder?) -> Void = { _ in }
    ) async throws -> VolumeLock {
        var backoff = Backoff()
        var isToldOf = false
        while true {
            if let lock = try await tryTake(purpose, in: folder) { return lock }
            let holder = try await holder(of: purpose, in: folder)
            if !isToldOf { waiting(holder) }
            isToldOf = true
            let pause = backoff.next()
            guard ContinuousClock.now + pause < deadline else {
                let who = holder.map { "process \($0.pid) on \($0.host)" } ?? "another process"
                throw ChatError(
                    .busy, "To \(purpose.rawValue) this volume is up to \(who) at the moment.",
                    retryAfterMilliseconds: 1_000, cause: "locks/\(purpose.rawValue) is taken")
            }
            try await Task.sleep(for: pause)
        }
    }

    private static func onLane<Value: Sendable>(
        _ folder: String, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        let lane = BlockingLane(label: "stoa.lock", jobsMax: 1)
        do {
            return try await lane.run(until: .now + .seconds(Volume.answerSecondsMax), body)
        } catch let error as SystemCallError {
            throw VolumeError(error, folder)
        } catch is BlockingLane.TimedOut {
            throw VolumeError(.noAnswer, "The locks of the volume \(folder) do not answer.")
        }
    }
}
