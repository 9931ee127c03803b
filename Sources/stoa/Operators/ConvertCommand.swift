import ArgumentParser
import ChatCore
import ChatStorage
import Logging

/// `stoa convert`.
struct ConvertCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Carry all sessions into a new volume with another store, engine or number of shards.",
        discussion: """
            Run it while tasks serve the old volume: it carries over what there is.
            Stop these tasks and run the same command again: it closes the old volume,
            carries over what changed since, compares counts and a hash of all content,
            and makes the new volume. Start the tasks on that. Nothing can be lost in
            between: until the end the new volume cannot be served, and from then on
            the old one cannot.

            Safe to interrupt and to run again. Keys, ids, versions and running answers
            stay as they are; a session of some megabytes at a time is in memory.

            EXAMPLES:
              stoa convert --from /mnt/stoa --to /mnt/new --shards 64
              stoa convert --from /mnt/stoa --to /mnt/files --store files

            EXIT STATUS:
              0 the new volume is whole and the old one closed; 65 a folder is no
              volume or not empty, or what arrived differs; 69 a folder is away or
              full; 75 everything was carried over but tasks serve the old volume:
              stop them and run this again.
            """)

    @Option(help: "The old volume.") var from: String
    @Option(help: "The new one's folder; made if only its last part is missing.") var to: String
    @Option(help: "How the new volume keeps sessions: sqlite or files. (default: as the old one)")
    var store: VolumeManifest.Store?
    @Option(help: "How SQLite reaches it: volume or portable. (default: as the old one, else volume)")
    var engine: VolumeManifest.Engine?
    @Option(help: "Databases of the new volume, 1 to 256. (default: as the old one, else 16)") var shards:
        Int?
    @Flag(help: "Print one JSON object at the end.") var json = false

    /// What `--json` prints.
    private struct Report: Encodable {
        let finished: Bool
        let serving: Int
        let copied: Int
        let removed: Int
        let sessions: Int
        let conversations: Int
        let messages: Int
        let content: String
        let seconds: Double
    }

    func run() async throws {
        try await ExitStatus.reporting {
            let (from, to) = (PathText.absolute(from), PathText.absolute(to))
            guard from != to, !to.hasPrefix("\(from)/"), !from.hasPrefix("\(to)/") else {
                throw ValidationError("--from and --to must be folders apart from each other.")
            }
            if try Conversion.isFinished(from: from, to: to) {
                return print("\(from) was moved to \(to) already")
            }
            let source = try await Conversion.openSource(from, for: to)
            let shardsDefault =
                source.manifest.store == .files ? Volume.shardsDefault : source.manifest.shards
            let manifest = VolumeManifest(
                store: store ?? source.manifest.store,
                engine: engine ?? source.manifest.engine ?? Volume.engineDefault,
                shards: try Setting.check(
                    shards ?? shardsDefault, "--shards", in: 1...VolumeManifest.shardsMax),
                createdBy: Volume.hostName())
            let progress = Progress("part", of: source.partsCount)
            let start = ContinuousClock.now
            let result = try await Conversion(
                from: source, to: to, as: manifest, logger: Logger(label: "stoa.convert")
            ).run { step in
                progress.set(
                    step.part, of: step.partsCount,
                    "\(step.sessions) sessions, \(step.copied) carried over, \(step.messages) messages")
            }
            progress.end()
            try report(result, from, to, seconds: start.duration(to: .now) / .seconds(1))
        }
    }

    private func report(_ result: Conversion.Result, _ from: String, _ to: String, seconds: Double) throws {
        let report = Report(
            finished: result.serving == nil, serving: result.serving ?? 0, copied: result.copied,
            removed: result.removed, sessions: result.content.sessions,
            conversations: result.content.conversations, messages: result.content.messages,
            content: result.content.hexadecimal, seconds: (seconds * 100).rounded() / 100)
        if json {
            print(try JSONText.of(report))
        } else {
            print(
                "\(report.copied) sessions carried over, \(report.removed) removed, in \(report.seconds) s; "
                    + "\(report.sessions) sessions, \(report.messages) messages")
            print("content \(report.content)")
        }
        guard report.finished else {
            throw ExitStatus.fail(
                "\(report.serving) tasks serve \(from): stop them and run this again", ExitStatus.busy)
        }
        if !json { print("\(to) is the volume now; \(from) is closed") }
    }
}
