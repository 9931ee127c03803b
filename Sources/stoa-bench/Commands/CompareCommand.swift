import ArgumentParser

/// Looks for regressions between two files of results.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compares two files of results; exit status 1 on a regression.",
        discussion: """
            Calls are exact, so more of them than allowed is a regression. Seconds are not:
            operations a second and p99 are shown, and judged only with --slower.

            EXAMPLES
              stoa-bench compare before.json after.json
              stoa-bench compare before.json after.json --more-calls 5 --slower 30
            """)

    @Argument(help: "Results from before.")
    var before: String

    @Argument(help: "Results from after.")
    var after: String

    @Option(name: .customLong("more-calls"), help: "Percent of calls an operation that may be added.")
    var moreCalls = 10.0

    @Option(help: "Percent of operations a second that may be lost; not judged without it.")
    var slower: Double?

    func run() throws {
        let comparison = Comparison(try ResultFile.read(before), try ResultFile.read(after))
        guard !comparison.rows.isEmpty else { throw Refusal("the two have no cell in common") }
        let regressions = comparison.regressions(moreCallsPercent: moreCalls, slowerPercent: slower)
        print(comparison.markdown)
        for text in regressions { print("REGRESSION: \(text)") }
        if !regressions.isEmpty { throw ExitCode(1) }
        print("no regression in \(comparison.rows.count) cells")
    }
}
