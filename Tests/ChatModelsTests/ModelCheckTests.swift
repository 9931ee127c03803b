import ChatCore
import Testing

@testable import ChatModels

@Suite(.timeLimit(.minutes(5))) struct ModelCheckTests {
    /// Answers as it is told.
    private struct Told: LanguageModel {
        enum Way { case text, nothing, forever, fails }

        let descriptor: ModelDescriptor
        let way: Way

        init(_ id: String, _ way: Way) {
            descriptor = ModelDescriptor(id: id, label: id, provider: "test")
            self.way = way
        }

        func answer(
            to prompt: ModelPrompt, onDelta: @Sendable (ModelDelta) async throws -> Void
        ) async throws -> ModelFinish {
            switch way {
            case .nothing: return ModelFinish(stopReason: "end_turn")
            case .fails: throw ModelError(.throttled, detail: "HTTP 429, ThrottlingException")
            case .forever: try await Task.sleep(for: .seconds(3_600))
            case .text:
                try await Task.sleep(for: .milliseconds(20))
                try await onDelta(.reasoning("Hm"))
                Issue.record("asked on after the first piece")
            }
            return ModelFinish(stopReason: "stop")
        }
    }

    @Test("each model is asked, and its time or the reason is told, in the catalogue's order")
    func results() async {
        let models = [
            Told("a", .text), Told("b", .fails), Told("c", .nothing), Told("d", .forever), Told("e", .text),
            Told("f", .fails),
        ]
        let results = await ModelCheck(deadlineMilliseconds: 4_000).results(of: models)
        #expect(results.map(\.id) == ["a", "b", "c", "d", "e", "f"])
        #expect(
            results.map(\.failure) == [nil, "throttled", "malformed", "timed_out", nil, "throttled"])
        #expect(results[0].firstTokenMilliseconds.map { (20..<4_000).contains($0) } == true)
        #expect(results[0].reason == nil && results[1].firstTokenMilliseconds == nil)
        #expect(results[1].reason == "HTTP 429, ThrottlingException")
        #expect(results[2].reason == "ended without a word, stop reason end_turn")
        #expect(results[3].reason == "no first token after 4000 ms")
    }
}
