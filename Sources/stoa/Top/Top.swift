import ArgumentParser
import ChatCore
import ChatStorage

/// `stoa top`.
struct Top: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Watch the tasks, shards and models of a volume.",
        discussion: """
            Finds the tasks that live in the volume's folder of tasks and reads the
            metrics of each. Changes nothing on the volume and takes no part in it.
            Where the metrics of a task are is written in its file, so run this where
            they can be reached.

            TASKS: requests, 5xx and the 99th percentile of all requests (ms); open
            streams; answers being written; operations waiting for a shard; commits,
            the mean of one (ms) and how many operations share one; how often another
            task had a shard; CPU, memory, open files.
            SHARDS: who has it now ("-": nobody), operations, length of its log.

            On a terminal: q ends it. Otherwise one report after the other is printed.

            EXAMPLES:
              stoa top --volume /mnt/stoa
              stoa top --once
              stoa top --once --json | jq '.tasks[] | select(.state != "ready")'

            EXIT STATUS:
              0 shown; with --once 1 when there is no task, or one is not ready.
            """)

    @OptionGroup var volume: VolumeOptions
    @Flag(help: "Look twice, --interval apart, print one report and end.") var once = false
    @Flag(help: "Print JSON, one object a report.") var json = false
    @Option(help: "Seconds between two looks.") var interval: Double = 2

    func run() async throws {
        let interval = Duration.seconds(try Setting.check(interval, "--interval", in: 0.1...3_600))
        try await ExitStatus.reporting {
            let volume = try await Volume.open(at: volume.folder)
            if once {
                let before = try await TopLook(at: volume)
                try await Task.sleep(for: interval)
                let report = TopReport(volume, try await TopLook(at: volume), since: before)
                try show(report)
                let isWell = !report.tasks.isEmpty && report.tasks.allSatisfy { $0.state == "ready" }
                if !isWell { throw ExitCode(1) }
            } else if TopScreen.isTerminal, !json {
                try await watch(volume, interval)
            } else {
                var before: TopLook?
                while true {
                    let look = try await TopLook(at: volume)
                    try show(TopReport(volume, look, since: before))
                    before = look
                    try await Task.sleep(for: interval)
                }
            }
        }
    }

    private func show(_ report: TopReport) throws {
        let lines = json ? [try JSONText.of(report, inSnakeCase: true)] : TopText(report).lines()
        for line in once || json ? lines : lines + [""] { print(line) }
        // Whoever reads it through a pipe sees each report when it is made.
        TopScreen.flush()
    }

    private func watch(_ volume: Volume, _ interval: Duration) async throws {
        let screen = TopScreen()
        defer { screen.leave() }
        var before: TopLook?
        repeat {
            let look = try await TopLook(at: volume)
            screen.show(TopText(TopReport(volume, look, since: before)).lines(rows: screen.size.rows))
            before = look
        } while await screen.pause(interval)
    }
}
