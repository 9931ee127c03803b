#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What was found out about a folder that is to be a volume.
///
/// A volume on NFS is as safe as its mount: locks that stay on the host, or writes that are given up, lose
/// acknowledged messages without a word. So the mount is read, and what the engines rest on is done, before
/// anything is trusted to it. Safe on a volume in use: it works in a folder of its own, which it removes.
package struct VolumeExamination: Sendable, Encodable {
    /// Room on the volume.
    package struct Space: Sendable, Equatable, Encodable {
        package let freeBytes: UInt64
        package let bytes: UInt64

        private enum CodingKeys: String, CodingKey {
            case freeBytes = "free_bytes"
            case bytes
        }
    }

    /// How much is done.
    package enum Depth: Sendable {
        /// What is needed before serving: mount table, locks, a durable write.
        case quick
        /// Everything, with measurements.
        case full
    }

    /// The folder, as it was named.
    package let folder: String
    /// The worst of all findings.
    package let verdict: Finding.Severity
    /// What the folder lies on; nil when the system does not say.
    package let mount: Mount?
    /// How long the server keeps a lost host's locks; nil when it is not NFSv4 or not known.
    package let leaseSeconds: Int?
    /// Room on the volume; nil when it was not reached.
    package let space: Space?
    /// In the order they were made.
    package let findings: [Finding]
    /// Only in a full examination.
    package let measurements: [Measurement]
    /// Only when everything was measured.
    package let predictions: [Prediction]

    private enum CodingKeys: String, CodingKey {
        case folder, verdict, mount, space, findings, measurements, predictions
        case leaseSeconds = "lease_seconds"
    }

    /// Examines `folder`. Never throws and never hangs: what went wrong is a finding. A task that is
    /// cancelled gets what was found until then.
    ///
    /// - Parameters:
    ///   - peer: the command that runs ``ExaminationPeer/serve(_:)`` in another process; the folder becomes
    ///     its last argument.
    ///   - secondsMax: how long the volume may take for everything together.
    ///   - creatingFolder: makes the folder first if only its last part is missing.
    ///   - planned: the engine that the volume is to get if there is none yet.
    package static func of(
        _ folder: String, depth: Depth, peer: [String], secondsMax: Int, creatingFolder: Bool = false,
        planned: VolumeManifest.Engine? = nil
    ) async -> VolumeExamination {
        let record = ExaminationRecord()
        let lane = BlockingLane(label: "stoa.examination", jobsMax: 1)
        do {
            try await withTaskCancellationHandler {
                try await lane.run(until: .now + .seconds(secondsMax)) {
                    if creatingFolder {
                        // One that cannot be made is found to be missing.
                        try? AtomicFile.createFolder(folder)
                    }
                    ExaminationSteps(
                        folder: folder, depth: depth, peer: peer, record: record, planned: planned
                    ).run()
                }
            } onCancel: {
                record.abandon()
            }
        } catch {
            record.add(
                Finding(
                    "volume.no_answer", .refused,
                    """
                    \(folder) did not answer within \(secondsMax) s while it \(record.now.step). Is its \
                    server up and reachable? One that has just started gives no locks for its grace period.
                    """))
            record.abandon()
            // With its peer gone a step that only waited for it ends, and removes its folder.
            try? await lane.run(until: .now + .seconds(1)) {}
        }
        return VolumeExamination(folder, record.now)
    }

    init(_ folder: String, _ state: ExaminationRecord.State) {
        self.folder = folder
        verdict = state.findings.map(\.severity).max() ?? .refused
        mount = state.mount
        leaseSeconds = state.leaseSeconds
        space = state.space
        findings = state.findings
        measurements = state.measurements
        predictions = Prediction.all(state.measurements, isNFS: state.mount?.isNFS == true)
    }

    /// Why a task refuses to serve; nil when the volume can be used.
    package var refusal: VolumeError? {
        let reasons = findings.filter { $0.severity == .refused }
        guard let first = reasons.first else { return nil }
        let code: VolumeError.Code =
            switch first.code {
            case "volume.missing": .missing
            case "volume.not_a_folder": .notAFolder
            case "volume.not_writable": .notWritable
            case "volume.full": .full
            case "volume.no_answer": .noAnswer
            case "mount.read_only": .readOnly
            case "volume.failed": .failed
            default: .unsupported
            }
        return VolumeError(code, reasons.map(\.sentence).joined(separator: " "))
    }

    /// What to tell an operator although the volume can be used.
    package var warnings: [Finding] { findings.filter { $0.severity == .warning } }
}
