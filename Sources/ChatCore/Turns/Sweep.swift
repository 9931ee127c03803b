/// Ends running answers of dead tasks that nobody reads, which nobody would find otherwise.
///
/// A part of the volume at a time, once shortly after the task's start (it may be the successor of one that
/// died) and then about every ``Limits/sweepIntervalMilliseconds``; each pause is drawn anew, so that tasks
/// which start together do not look together.
struct Sweep: Sendable {
    private let store: any SessionStore
    private let settler: AbandonedAnswers

    init(store: any SessionStore, settler: AbandonedAnswers) {
        self.store = store
        self.settler = settler
    }

    /// Sweeps until the calling task is cancelled.
    func run() async {
        await pause(Limits.sweepDelayMilliseconds)
        while !Task.isCancelled {
            for part in 0..<store.sweepPartsCount where !Task.isCancelled {
                await sweep(part)
                await pause(Limits.sweepPauseMilliseconds)
            }
            await pause(Limits.sweepIntervalMilliseconds)
        }
    }

    /// A store that is busy or away, or a task of which nobody knows whether it lives, has its turn the next
    /// time.
    private func sweep(_ part: Int) async {
        let found = try? await store.runningAnswers(inPart: part, limit: Limits.sweptAnswersMax)
        for running in found ?? [] where !Task.isCancelled {
            _ = try? await settler.settle(running.answer, ownedBy: running.owner)
        }
    }

    /// Half to one and a half of so long.
    private func pause(_ milliseconds: Int) async {
        let drawn = Int.random(in: milliseconds / 2...milliseconds * 3 / 2)
        try? await Task.sleep(for: .milliseconds(drawn))
    }
}
