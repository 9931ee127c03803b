import ChatCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Finds out whether the volume takes and gives bytes now: what a readiness check asks.
///
/// One probe is under way at a time. While a volume hangs, one thread waits for it, not one for every check.
package final class VolumeProbe: Sendable {
    /// A load balancer's patience.
    private static let answerMillisecondsMax = 2_000

    private let folder: String
    private let lane = BlockingLane(label: "stoa.probe", jobsMax: 1)
    private let lastSpace = Mutex<VolumeExamination.Space?>(nil)
    /// What probes took that went well.
    let durations = Histogram(.storage)
    /// Probes that did not.
    let failures = Counter()

    /// Probes the folder of `volume`.
    package init(_ volume: Volume) { folder = volume.folder }

    /// The room on the volume at the last probe that went well; nil before the first.
    package var space: VolumeExamination.Space? { lastSpace.withLock { $0 } }

    /// Writes a file, syncs it, reads it back and removes it; looks how much room there is.
    /// - Throws: ``ChatError/Code/unavailable`` or ``ChatError/Code/busy``, with the reason; a retry is
    ///   harmless.
    package func check() async throws {
        let began = ContinuousClock.now
        do {
            let space = try await ChatError.mapping("The volume", about: nil) {
                try await self.lane.run(until: began + .milliseconds(Self.answerMillisecondsMax)) {
                    [folder] in
                    try AtomicFile.probe(folder)
                    return try VolumeExamination.Space(at: folder)
                }
            }
            lastSpace.withLock { $0 = space }
            durations.record(since: began)
        } catch {
            failures.add()
            throw error
        }
    }
}

extension VolumeExamination.Space {
    /// The room that the file system of `folder` has. Blocks on the volume.
    /// - Throws: `SystemCallError`.
    fileprivate init(at folder: String) throws {
        var status = statvfs()
        try systemCall("statvfs") { statvfs(folder, &status) }
        self.init(status)
    }

    /// What the file system says of itself.
    init(_ status: statvfs) {
        let block = UInt64(status.f_frsize)
        freeBytes = UInt64(status.f_bavail).multipliedReportingOverflow(by: block).partialValue
        bytes = UInt64(status.f_blocks).multipliedReportingOverflow(by: block).partialValue
    }
}
