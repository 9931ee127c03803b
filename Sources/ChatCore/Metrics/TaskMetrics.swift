/// How the turns of a task ended, counted from its reports.
package final class TurnMetrics: Sendable {
    /// What becomes of an answer on a task. A running one is not there: it has not ended.
    private static let states =
        Message.State.allCases.filter { $0 != .running }.map(\.rawValue) + [lost]
    /// Taken over by another task, or its end could not be stored.
    private static let lost = "lost"

    private let ended = Dictionary(uniqueKeysWithValues: states.map { ($0, Counter()) })
    private let durations = Histogram(.model)

    /// No turn yet.
    package init() {}

    /// Counts a turn that ended here.
    package func record(_ report: TurnReport) {
        let state =
            switch report.conclusion {
            case .stored(let message): message.state.rawValue
            case .lost: Self.lost
            }
        ended[state]?.add()
        durations.record(report.duration)
    }

    fileprivate func collect(into page: inout MetricsPage) {
        page.counter(
            "turns_total", "Turns that ended on this task, by the state of their answer.",
            Self.states.map { .init(["state": $0], ended[$0]?.value ?? 0) })
        page.histogram(
            "turn_seconds", "Turns, from the prompt that was stored to the end that was.", [([:], durations)])
    }
}

/// What a task does now and how its turns ended.
package struct TaskMetrics: MetricsSource {
    private let task: ChatTask
    private let turns: TurnMetrics

    /// - Parameter turns: what the task reports to.
    package init(_ task: ChatTask, turns: TurnMetrics) {
        self.task = task
        self.turns = turns
    }

    package func collect(into page: inout MetricsPage) {
        page.gauge(
            "answers_running", "Answers that are written on this task.",
            [.init([:], task.runningAnswerCount)])
        page.gauge(
            "answers_running_max", "Answers that may be written on this task at once; more are told to wait.",
            [.init([:], Limits.runningAnswersPerTaskMax)])
        page.gauge(
            "readers", "Readers that follow a conversation on this task.", [.init([:], task.readerCount)])
        page.gauge(
            "task_leaving", "1 once the task was asked to end.", [.init([:], task.hasLeft ? 1 : 0)])
        turns.collect(into: &page)
    }
}
