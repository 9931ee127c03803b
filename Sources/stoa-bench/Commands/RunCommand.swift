import ArgumentParser
import ChatCore
import ChatStorage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Measures on this host.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Measures stores side by side on this host.",
        discussion: """
            For each workload the stores take turns, one stretch of load each, several
            rounds; a table is printed. Interrupted, it writes what it has.

            EXAMPLES
              stoa-bench run --volume /mnt/efs
              stoa-bench run --volume /mnt/efs --workloads all --json all.json --html all.html
              stoa-bench run --volume /mnt/efs --stores volume --rate 50 --seconds 60
            """)

    @OptionGroup var options: PlanOptions
    @OptionGroup var output: OutputOptions

    @Flag(help: "Leave the data on the volume.")
    var keep = false

    func run() async throws {
        let id = TaskID.make(host: Volume.hostName()).rawValue
        let session = BenchSession(options, id: id, hosts: 1)
        try await session.perform(output, isKept: keep) { _, _ in }
    }
}

/// Measures as one of several hosts.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Measures as one of several hosts, which meet on the volume.",
        discussion: """
            Start the same command on every host; they wait for each other, start each
            stretch together and leave their results on the volume for `report`.

            EXAMPLES
              stoa-bench worker --volume /mnt/efs --run monday --of 2 --workloads turn
              stoa-bench report --volume /mnt/efs --run monday
            """)

    @OptionGroup var options: PlanOptions
    @OptionGroup var output: OutputOptions

    @Option(
        name: .customLong("run"),
        help: "The run's name, the same on all hosts: letters, digits, - and _. Use each name once.")
    var name: String

    @Option(help: "How many workers there are.")
    var of: Int

    @Option(name: .customLong("wait"), help: "Seconds to wait for the others at each step.")
    var wait = 300.0

    func validate() throws {
        guard (1...256).contains(of) else { throw ValidationError("--of is 1 to 256") }
        guard TaskID(rawValue: name) != nil else {
            throw ValidationError("--run has 1 to 64 characters of A-Z, a-z, 0-9, - and _")
        }
    }

    func run() async throws {
        let session = BenchSession(options, id: name, hosts: of)
        let meeting = Meeting(folder: "\(session.folder)/meeting", count: of, patience: .seconds(wait))
        session.say("waiting for \(of) workers of \(name)")
        let number = try await meeting.join()
        try await session.perform(output, meeting: meeting, number: number, isKept: true) { run, session in
            let results = "\(session.folder)/results"
            try FileManager.default.createDirectory(atPath: results, withIntermediateDirectories: true)
            try ResultFile.write(run, to: "\(results)/\(number).json")
            try await meeting.gather("written")
            if number == 0 { session.removeData() }
        }
    }
}

/// One process's part of a run, from its beginning to its results.
struct BenchSession {
    let options: PlanOptions
    let id: String
    let hosts: Int
    let interruption = Interruption(isListening: true)

    init(_ options: PlanOptions, id: String, hosts: Int) {
        self.options = options
        self.id = id
        self.hosts = hosts
    }

    /// All that the run leaves on the volume while it lasts.
    var folder: String { "\(volume)/stoa-bench-\(id)" }
    /// Absolute: SQLite wants its files so.
    private var volume: String {
        options.volume.hasPrefix("/")
            ? options.volume : "\(FileManager.default.currentDirectoryPath)/\(options.volume)"
    }
    private var data: String { "\(folder)/stores" }

    func say(_ text: String) { if !options.quiet { RunProgress.write(text + "\n") } }

    func removeData() { try? FileManager.default.removeItem(atPath: data) }

    /// Measures, then hands the results to `deliver` and writes them.
    /// - Parameter isKept: the run's folder stays.
    func perform(
        _ output: OutputOptions, meeting: Meeting? = nil, number: Int = 0, isKept: Bool,
        _ deliver: (BenchRun, BenchSession) async throws -> Void
    ) async throws {
        var isFolder = false
        guard FileManager.default.fileExists(atPath: options.volume, isDirectory: &isFolder), isFolder else {
            throw ValidationError("\(options.volume) is no folder")
        }
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        defer { if !isKept { try? FileManager.default.removeItem(atPath: folder) } }
        let plan = try options.plan(id: id, hosts: hosts)
        let environment = HostEnvironment(volume: options.volume)
        let progress = RunProgress(
            total: plan.stretches, expected: plan.stretchSeconds, isQuiet: options.quiet)
        say("run \(id), seed \(plan.seed): \(environment.line)")
        if !environment.isNFS { say("not an NFS mount: system calls are counted in the place of NFS calls") }
        let bench = Bench(
            plan, at: options.place(data), environment: environment, meeting: meeting, host: number,
            hosts: hosts, progress: progress, interruption: interruption)
        let run = try await bench.measure()
        progress.finish()
        try await deliver(run, self)
        if number == 0 { await options.place(data).forget(plan.stores) }
        try output.write(run)
        if interruption.isAsked { throw ExitCode(130) }
        if run.summaries.contains(where: { $0.failuresCount > 0 }) { throw ExitCode(1) }
    }
}
