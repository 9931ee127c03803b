package import ChatCore
import Synchronization

/// A model that says what the test wrote down.
package final class ScriptedModel: LanguageModel {
    /// One step of an answer.
    package enum Step: Sendable {
        case text(String)
        case reasoning(String)
        /// Waits; ends early with the answer's task.
        case pause(Duration)
        /// Waits for ``ScriptedModel/open()``.
        case gate
        case fail(ModelError)
    }

    /// What clients see of it.
    package let descriptor: ModelDescriptor
    private let finish: ModelFinish
    private let state: Mutex<(answers: [[Step]], prompts: [ModelPrompt], gatesOpen: Int)>

    /// - Parameter answers: one script a call; the last one serves all further calls.
    package init(
        id: String = "scripted", _ answers: [Step]..., finish: ModelFinish = ModelFinish(stopReason: "stop")
    ) {
        descriptor = ModelDescriptor(id: id, label: "Scripted", provider: "test")
        self.finish = finish
        state = Mutex((answers, [], 0))
    }

    /// What it was asked so far.
    package var prompts: [ModelPrompt] { state.withLock { $0.prompts } }

    /// Lets one answer pass one gate.
    package func open() { state.withLock { $0.gatesOpen += 1 } }

    package func answer(
        to prompt: ModelPrompt, onDelta: @Sendable (ModelDelta) async throws -> Void
    ) async throws -> ModelFinish {
        let script = state.withLock { state in
            state.prompts.append(prompt)
            return state.answers.count > 1 ? state.answers.removeFirst() : state.answers.first ?? []
        }
        for step in script {
            try Task.checkCancellation()
            switch step {
            case .text(let text): try await onDelta(.text(text))
            case .reasoning(let text): try await onDelta(.reasoning(text))
            case .pause(let duration): try await Task.sleep(for: duration)
            case .gate: try await passGate()
            case .fail(let error): throw error
            }
        }
        return finish
    }

    private func passGate() async throws {
        while true {
            let isOpen = state.withLock { state in
                guard state.gatesOpen > 0 else { return false }
                state.gatesOpen -= 1
                return true
            }
            if isOpen { return }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
