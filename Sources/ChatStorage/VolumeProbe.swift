import ChatCore

/// Finds out whether the volume takes and gives bytes now: what a readiness check asks.
///
/// One probe is under way at a time. While a volume hangs, one thread waits for it, not one for every check.
package final class VolumeProbe: Sendable {
    /// A load balancer's patience.
    private static let answerMillisecondsMax = 2_000

    private let folder: String
    private let lane = BlockingLane(label: "stoa.probe", jobsMax: 1)

    /// Probes the folder of `volume`.
    package init(_ volume: Volume) { folder = volume.folder }

    /// Writes a file, syncs it, reads it back and removes it.
    /// - Throws: ``ChatError/Code/unavailable`` or ``ChatError/Code/busy``, with the reason; a retry is
    ///   harmless.
    package func check() async throws {
        try await ChatError.mapping("The volume", about: nil) {
            try await self.lane.run(until: .now + .milliseconds(Self.answerMillisecondsMax)) { [folder] in
                try AtomicFile.probe(folder)
            }
        }
    }
}
