import ArgumentParser

/// The command.
@main
struct StoaBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stoa-bench",
        abstract: "Which store belongs on your volume? Measures them side by side, and tortures them.",
        discussion: """
            STORES
            \(StoreKind.allCases.map { "  \($0.rawValue.padded(14)) \($0.summary)" }.joined(separator: "\n"))

            WORKLOADS
            \(Workload.allCases.map { "  \($0.rawValue.padded(14)) \($0.summary)" }.joined(separator: "\n"))

            EXAMPLES
              stoa-bench run --volume /mnt/efs
              stoa-bench run --volume /mnt/efs --stores volume,files --workloads turn \\
                --clients 64 --html turn.html
              stoa-bench run --volume /mnt/efs --workloads append --rate 20 --seconds 30
              stoa-bench worker --volume /mnt/efs --run monday --of 2 --workloads turn
              stoa-bench report --volume /mnt/efs --run monday --html monday.html
              stoa-bench compare before.json after.json
              stoa-bench torture --volume /mnt/efs --store volume --seconds 60

            EXIT STATUS
              0   done; torture: every acknowledgement was kept; compare: no regression
              1   torture: something was lost; compare: a regression; run: operations failed
              64  wrong usage
              130 interrupted; what was measured until then was written
            """,
        subcommands: [
            RunCommand.self, WorkerCommand.self, ReportCommand.self, CompareCommand.self, TortureCommand.self,
        ],
        defaultSubcommand: RunCommand.self)
}

extension String {
    /// With blanks behind it, up to so many characters.
    func padded(_ width: Int) -> String {
        count < width ? self + String(repeating: " ", count: width - count) : self
    }
}

extension StoreKind: ExpressibleByArgument {}
