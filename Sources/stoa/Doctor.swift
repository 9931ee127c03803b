import ArgumentParser
import ChatStorage
import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `stoa doctor`.
struct Doctor: AsyncParsableCommand {
    /// How long a volume may take for the whole examination.
    private static let secondsMax = 20

    static let configuration = CommandConfiguration(
        abstract: "Examine a folder before a volume is trusted to it.",
        discussion: """
            Reads how the folder is mounted, proves with a second process that
            locks, renames and durable writes mean what Stoa builds on, and measures
            what each operation will cost. Safe on a volume in use: it works in a
            folder of its own, which it removes. Gives up after \(secondsMax) s when the
            volume hangs.

            EXAMPLES:
              stoa doctor /mnt/stoa
              stoa doctor --json /mnt/stoa | jq .verdict

            EXIT STATUS:
              0 good; 1 usable, with warnings; 2 refused: it would lose data or
              cannot be used.
            """)

    @Argument(help: "The folder that all tasks share.") var path: String
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        let examination = try await Interruption.ending {
            await VolumeExamination.of(
                path, depth: .full, peer: DoctorPeer.command, secondsMax: Self.secondsMax)
        }
        if json {
            print(try JSONText.of(examination))
        } else {
            for line in DoctorReport(examination).lines { print(line) }
        }
        switch examination.verdict {
        case .good: return
        case .warning: throw ExitCode(1)
        case .refused: throw ExitCode(2)
        }
    }
}

/// SIGINT and SIGTERM while something has to be tidied up.
private enum Interruption {
    private static let patienceSeconds = 3

    /// Runs `body`; a signal cancels it.
    /// - Throws: the exit status that a shell gives to a process that a signal ended.
    static func ending<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async throws -> Value {
        let task = Task { await body() }
        let received = Mutex<Int32?>(nil)
        let sources = [SIGINT, SIGTERM].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                received.withLock { $0 = number }
                task.cancel()
                // A volume that hangs lets nothing be tidied up.
                DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(patienceSeconds)) {
                    exit(128 + number)
                }
            }
            source.activate()
            return source
        }
        let value = await task.value
        for source in sources { source.cancel() }
        if let number = received.withLock({ $0 }) { throw ExitCode(128 + number) }
        return value
    }
}

/// The second process of an examination; started by it, never by people.
struct DoctorPeer: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "doctor-peer", shouldDisplay: false)

    /// Starts this program again, also when its file was replaced or removed meanwhile.
    static var command: [String] { [Stoa.program, "doctor-peer"] }

    @Argument var folder: String

    func run() { ExaminationPeer.serve(folder) }
}

extension Doctor {
    /// What comes before a volume is opened or made in `folder`, which is created if only its last part is
    /// missing. Waits as long as opening a volume does: a server that has just started gives no locks for a
    /// while.
    /// - Throws: `VolumeError` for a folder that would lose data.
    static func examine(
        _ folder: String, planned new: NewVolumeOptions, warn: (Finding) -> Void
    ) async throws {
        let examination = await VolumeExamination.of(
            folder, depth: .quick, peer: DoctorPeer.command, secondsMax: Volume.answerSecondsMax,
            creatingFolder: true, planned: try new.plannedEngine)
        for warning in examination.warnings { warn(warning) }
        if let refusal = examination.refusal { throw refusal }
    }
}
