package import ChatCore

/// What a volume is, how much room it has, and what this host's NFS client was asked for its sake.
package final class VolumeMetrics: MetricsSource {
    /// The kernel's own texts answer at once; nobody waits longer should they not.
    private static let answerMillisecondsMax = 1_000

    private let manifest: VolumeManifest
    private let probe: VolumeProbe
    private let lane = BlockingLane(label: "stoa.mountstats", jobsMax: 2)
    /// The NFS mount that the volume lies on, found at the start: asking for it again could hang.
    private let mount: ClientCalls?

    /// Asks the volume which mount it lies on.
    /// - Parameter probe: the task's, whose last outcome is told.
    package init(_ volume: Volume, probe: VolumeProbe) async {
        manifest = volume.manifest
        self.probe = probe
        let folder = volume.folder
        let found = try? await lane.run(until: .now + .seconds(Volume.answerSecondsMax)) {
            ClientCalls.now(at: folder)
        }
        mount = found ?? nil
    }

    package func collect(into page: inout MetricsPage) async {
        page.gauge(
            "volume_info", "1; what the volume is.",
            [
                .init(
                    [
                        "volume": "\(manifest.id)", "store": manifest.store.rawValue,
                        "engine": manifest.engine?.rawValue ?? "", "shards": "\(manifest.shards)",
                    ], 1)
            ])
        page.histogram(
            "volume_probe_seconds",
            "Durable write and read of a small file, as the readiness check makes it.",
            [([:], probe.durations)])
        page.counter(
            "volume_probe_failures_total", "Readiness checks that the volume did not pass.",
            [.init([:], probe.failures.value)])
        if let space = probe.space {
            page.gauge(
                "volume_free_bytes", "Room left on the volume at the last probe.",
                [.init([:], Double(space.freeBytes))])
            page.gauge("volume_size_bytes", "Size of the volume.", [.init([:], Double(space.bytes))])
        }
        await collectCalls(into: &page)
    }

    private func collectCalls(into page: inout MetricsPage) async {
        guard let mount,
            let now = try? await lane.run(
                until: .now + .milliseconds(Self.answerMillisecondsMax), { mount.again() })
        else { return }
        let made = now.operations.filter { $0.value.calls > 0 }.sorted { $0.key < $1.key }
        func samples(_ value: (ClientCalls.Operation) -> Double) -> [MetricsPage.Sample] {
            made.map { .init(["operation": $0.key], value($0.value)) }
        }
        page.counter(
            "nfs_calls_total",
            "NFS calls of this host on the volume's mount, by all its processes, since it was mounted.",
            samples { Double($0.calls) })
        page.counter(
            "nfs_call_seconds_total", "Time that these calls took together.",
            samples { Double($0.milliseconds) / 1_000 })
        page.counter(
            "nfs_errors_total", "Those that the server answered with an error; a lock that is taken is one.",
            samples { Double($0.errors) })
        page.counter(
            "nfs_repeated_calls_total", "Those that were sent again, because no answer came.",
            samples { Double($0.repeated) })
    }
}
