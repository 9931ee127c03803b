import Synchronization

/// A model behind a ``Circuit``: while its provider is away, it answers so at once.
package final class GuardedModel: LanguageModel {
    /// The model's own.
    package let descriptor: ModelDescriptor
    private let model: any LanguageModel
    private let circuit = Mutex(Circuit())

    /// Guards `model`.
    package init(_ model: any LanguageModel) {
        self.model = model
        descriptor = model.descriptor
    }

    /// Whether the model is left in peace.
    package var isOpen: Bool { circuit.withLock { $0.isOpen } }

    package func answer(
        to prompt: ModelPrompt, onDelta: @Sendable (ModelDelta) async throws -> Void
    ) async throws -> ModelFinish {
        let ticket = try circuit.withLock { circuit throws(ModelError) in try circuit.ask(at: .now) }
        let hasBegun = Atomic(false)
        do {
            let finish = try await model.answer(to: prompt) { delta in
                if !hasBegun.exchange(true, ordering: .relaxed) { self.report(.answered, ticket) }
                try await onDelta(delta)
            }
            report(.answered, ticket)
            return finish
        } catch {
            // Whoever began to answer is there, whatever came of it.
            if !hasBegun.load(ordering: .relaxed) { report(Self.outcome(of: error), ticket) }
            throw error
        }
    }

    private func report(_ outcome: Circuit.Outcome, _ ticket: Circuit.Ticket) {
        circuit.withLock { $0.report(outcome, of: ticket, at: .now) }
    }

    private static func outcome(of error: any Error) -> Circuit.Outcome {
        switch (error as? ModelError)?.kind {
        case .unavailable, .timedOut, .malformed: .away
        // It is there, and says no to this question or this server.
        case .throttled, .unauthorized, .unknownModel, .tooLong, .refused: .answered
        case .cutOff, nil: .unknown
        }
    }
}
