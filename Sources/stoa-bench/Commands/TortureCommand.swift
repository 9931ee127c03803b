import ArgumentParser
import ChatCore
import ChatStorage
import StoreTorture

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Finds out whether a store on this volume keeps its word.
struct TortureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "torture", abstract: "Kills writers and looks for everything that was acknowledged.",
        discussion: """
            `run` does all of it on one host. On several hosts, start `write` on each (and
            cut, freeze or crash them as you like), then `check` with all their acks files;
            those lie on a local disk, not on the volume.

            EXAMPLES
              stoa-bench torture --volume /mnt/efs --store volume --seconds 60
              stoa-bench torture --volume /mnt/efs --store naive-files --seconds 60
              stoa-bench torture write --volume /mnt/efs --name a --acks /tmp/a.acks
              stoa-bench torture check --volume /mnt/efs --acks /tmp/a.acks --acks /tmp/b.acks
            """,
        subcommands: [TortureRun.self, TortureWrite.self, TortureCheck.self],
        defaultSubcommand: TortureRun.self)
}

/// What writers do, for all ways to start them.
struct TortureOptions: ParsableArguments {
    @Option(help: "A folder on the volume. What `write` leaves stays there.")
    var volume: String

    @Option(help: "volume, portable, delete, truncate, files, naive-files.")
    var store = StoreKind.volume

    @Option(help: "Clients of each writer.")
    var clients = 8

    @Option(help: "Sessions, which all writers share.")
    var sessions = 4

    @Option(name: .customLong("answer-bytes"), help: "How long an answer is at least.")
    var answerBytes = 4_000

    @Option(help: "Names the sessions.")
    var seed: UInt64 = 1

    @Option(help: "Shards of `volume` and `portable`.")
    var shards = 2

    func validate() throws {
        guard store != .redis, store != .postgres, store != .memory, store != .walExclusive else {
            throw ValidationError("\(store.rawValue) cannot be tortured")
        }
        guard (1...1_000).contains(clients), (1...1_000).contains(sessions) else {
            throw ValidationError("--clients and --sessions are 1 to 1000")
        }
    }

    var place: StorePlace {
        let folder =
            volume.hasPrefix("/") ? volume : "\(FileManager.default.currentDirectoryPath)/\(volume)"
        return StorePlace(folder: folder, shards: shards, redis: nil, postgres: nil)
    }

    var words: [String] {
        [
            "--store", store.rawValue, "--clients", "\(clients)", "--sessions", "\(sessions)",
            "--answer-bytes", "\(answerBytes)", "--seed", "\(seed)", "--shards", "\(shards)",
        ]
    }

    /// Reads everything back and prints the verdict in one line.
    /// - Throws: exit status 1 when something is wrong.
    func check(_ acks: [Ack], kills: Int?, more: String) async throws {
        let store = try await place.openStore(store)
        var verdict = try await AckCheck(acks, isKilled: kills != 0).run(on: store)
        await store.close()
        verdict.faults += try await place.faults(self.store)
        for fault in verdict.faults.prefix(10) { RunProgress.write("fault: \(fault)\n") }
        if verdict.faults.count > 10 { RunProgress.write("… and \(verdict.faults.count - 10) more\n") }
        print("\(verdict.line) store=\(self.store.rawValue)\(more)")
        if !verdict.faults.isEmpty { throw ExitCode(1) }
    }
}

/// One process that writes and can be killed.
struct TortureWrite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "write", abstract: "Writes turns and notes what was acknowledged, until it is killed.")

    @OptionGroup var options: TortureOptions

    @Option(help: "This writer, another name than any other's.")
    var name: String

    @Option(help: "The file for what was acknowledged, on a local disk.")
    var acks: String

    @Option(help: "How long.")
    var seconds = 60.0

    func run() async throws {
        let store = try await options.place.openStore(options.store)
        var hammer = Hammer(name: name, acks: acks)
        (hammer.clients, hammer.sessions, hammer.seconds) = (options.clients, options.sessions, seconds)
        (hammer.seed, hammer.answerBytes) = (options.seed, options.answerBytes)
        print(try await hammer.run(on: store, started: {}, report: { _ in }))
    }
}

/// Looks for what writers were told.
struct TortureCheck: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check", abstract: "Looks for everything that writers were told, after they ended.")

    @OptionGroup var options: TortureOptions

    @Option(help: "A writer's file; may be given several times.")
    var acks: [String]

    @Flag(name: .customLong("nobody-died"), help: "Every answer must have ended, too.")
    var nobodyDied = false

    func run() async throws {
        try await options.check(
            try acks.flatMap(Ack.read), kills: nobodyDied ? 0 : nil, more: "")
    }
}

/// Writers, kills and the check, all on this host.
struct TortureRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Starts writers, kills them at random, checks.")

    @OptionGroup var options: TortureOptions

    @Option(help: "Writers at once.")
    var writers = 2

    @Option(help: "How long writers are started and killed.")
    var seconds = 30.0

    @Option(name: .customLong("kill-every"), help: "Seconds between two kills, on average; 0 kills nobody.")
    var killEvery = 2.0

    @Flag(help: "Leave the data on the volume.")
    var keep = false

    func validate() throws {
        guard (1...64).contains(writers), seconds > 0, killEvery >= 0 else {
            throw ValidationError("--writers is 1 to 64, --seconds more than 0, --kill-every at least 0")
        }
    }

    func run() async throws {
        var options = options
        let base = options.place.folder
        options.volume = "\(base)/stoa-torture-\(TaskID.make(host: Volume.hostName()).rawValue)"
        let local =
            "\(FileManager.default.temporaryDirectory.path)/stoa-torture-\(UInt32.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: options.volume, withIntermediateDirectories: false)
        try FileManager.default.createDirectory(atPath: local, withIntermediateDirectories: false)
        defer {
            try? FileManager.default.removeItem(atPath: local)
            if !keep { try? FileManager.default.removeItem(atPath: options.volume) }
        }
        // Made once, so that no writer dies while the schema is made: that is another test's subject.
        await (try await options.place.openStore(options.store)).close()
        let crew = TortureCrew(
            words: ["torture", "write", "--volume", options.volume, "--seconds", "86400"] + options.words,
            folder: local, seed: options.seed)
        let interruption = Interruption(isListening: true)
        let (kills, files) = try await crew.run(
            writers: writers, seconds: seconds, killEvery: killEvery, until: interruption)
        let acks = try files.filter { FileManager.default.fileExists(atPath: $0) }.flatMap(Ack.read)
        guard !acks.isEmpty else { throw Refusal("no writer was told anything: try more --seconds") }
        // Writers are killed at the end as well.
        try await options.check(acks, kills: nil, more: " kills=\(kills) writers=\(writers)")
    }
}
