import ChatTesting
import Testing

@testable import ChatCore

@Suite("A conversation's feed")
struct ConversationFeedTests {
    private let feed = ConversationFeed()
    private let answer = MessageID.random()
    private let start = ContinuousClock.now

    init() {
        let owner = AnswerOwner(task: .make(host: "h"), host: "h", epoch: 1)
        feed.setRunning(
            ConversationFeed.RunningText(message: answer, version: 3, owner: owner, said: ""), at: 3)
    }

    @Test("the first text wakes readers at once, what follows soon is one wake")
    func waking() {
        let interval = Duration.milliseconds(Limits.deltaIntervalMilliseconds)
        var generations = [feed.snapshot.generation]
        func note() { generations.append(feed.snapshot.generation) }
        feed.append("a", to: answer, at: start)
        note()
        for count in 1...3 { feed.append("b", to: answer, at: start + interval * count / 4) }
        note()
        feed.announceText(at: start + interval * 3 / 4)
        note()
        feed.announceText(at: start + interval)
        feed.append("c", to: answer, at: start + interval)
        note()
        feed.append("d", to: answer, at: start + interval * 2)
        note()
        let first = generations[0]
        #expect(generations.map { $0 - first } == [0, 1, 1, 2, 2, 3])
        #expect(feed.snapshot.running?.said == "abbbcd")
    }

    @Test("text of another answer is not taken")
    func another() {
        let before = feed.snapshot.generation
        feed.append("x", to: .random(), at: start)
        feed.announceText(at: start)
        #expect(feed.snapshot.generation == before && feed.snapshot.running?.said == "")
    }
}
