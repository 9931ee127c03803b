package import ChatCore

/// Whether a model answers: it is asked for one word, and left at the first piece of the answer.
package struct ModelCheck: Sendable {
    /// What came of it.
    package struct Result: Sendable, Encodable {
        package let id: String
        package let provider: String
        /// From the question to the first piece of the answer, reasoning included, in milliseconds; nil when
        /// there was none.
        package let firstTokenMilliseconds: Int?
        /// Why there was no answer, as a machine's word; nil when there was one.
        package let failure: String?
        /// Why, for the operator: provider's code and advice; holds no key.
        package let reason: String?

        private enum CodingKeys: String, CodingKey {
            case id, provider, failure, reason
            case firstTokenMilliseconds = "first_token_ms"
        }
    }

    /// Models asked at once; more would measure each other.
    private static let atOnceMax = 4

    private static let prompt = ModelPrompt(
        system: nil, messages: [.init(role: .user, text: "Answer with one word: yes.")])

    /// Thrown at the first piece of an answer.
    private struct Enough: Error {
        var at = ContinuousClock.now
    }

    private let deadlineMilliseconds: Int

    /// - Parameter deadlineMilliseconds: for each model, retries included.
    package init(deadlineMilliseconds: Int) {
        self.deadlineMilliseconds = deadlineMilliseconds
    }

    /// Asks all of them, a few at once.
    /// - Returns: a result a model, in their order.
    package func results(of models: [any LanguageModel]) async -> [Result] {
        await withTaskGroup(of: (Int, Result).self) { group in
            var results: [Int: Result] = [:]
            for (index, model) in models.enumerated() {
                if index >= Self.atOnceMax, let (index, result) = await group.next() {
                    results[index] = result
                }
                group.addTask { (index, await result(of: model)) }
            }
            for await (index, result) in group { results[index] = result }
            return results.sorted { $0.key < $1.key }.map(\.value)
        }
    }

    private func result(of model: any LanguageModel) async -> Result {
        let start = ContinuousClock.now
        var milliseconds: Int?
        var failure: ModelError?
        do {
            try await ask(model)
        } catch let enough as Enough {
            milliseconds = Int((enough.at - start) / .milliseconds(1))
        } catch {
            // What is no error of the model's is the end of the command.
            failure = error as? ModelError ?? ModelError(.unavailable, detail: "cancelled")
        }
        return Result(
            id: model.descriptor.id, provider: model.descriptor.provider,
            firstTokenMilliseconds: milliseconds,
            failure: failure?.kind.rawValue, reason: failure.map { $0.detail ?? $0.message })
    }

    /// - Throws: always; ``Enough`` when the model answers.
    private func ask(_ model: any LanguageModel) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let finish = try await model.answer(to: Self.prompt) { _ in throw Enough() }
                throw ModelError(
                    .malformed, detail: "ended without a word, stop reason \(finish.stopReason ?? "none")")
            }
            group.addTask {
                try await Task.sleep(for: .milliseconds(deadlineMilliseconds))
                throw ModelError(.timedOut, detail: "no first token after \(deadlineMilliseconds) ms")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
