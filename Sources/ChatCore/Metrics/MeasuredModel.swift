import Synchronization

/// What asking one model took, and how it ended.
package final class ModelMetrics: Sendable {
    /// Ways to end that are no ``ModelError``.
    private enum Other: String, CaseIterable {
        /// The answer was stopped, or its task left.
        case cancelled
        /// A defect of ours, or of whoever took the deltas.
        case `internal`
    }

    fileprivate let id: String
    fileprivate let running = Gauge()
    fileprivate let firstTokens = Histogram(.model)
    fileprivate let answers = Histogram(.model)
    fileprivate let inputTokens = Counter()
    fileprivate let outputTokens = Counter()
    private let completed = Counter()
    private let errors: [String: Counter]

    fileprivate init(_ id: String) {
        self.id = id
        let kinds = ModelError.Kind.allCases.map(\.rawValue) + Other.allCases.map(\.rawValue)
        errors = Dictionary(uniqueKeysWithValues: kinds.map { ($0, Counter()) })
    }

    fileprivate func recordEnd(_ finish: ModelFinish, since began: ContinuousClock.Instant) {
        completed.add()
        answers.record(since: began)
        inputTokens.add(finish.usage?.inputTokens ?? 0)
        outputTokens.add(finish.usage?.outputTokens ?? 0)
    }

    fileprivate func recordFailure(_ error: any Error) {
        // However the provider's client puts it: nobody wanted the answer any more.
        let isCancelled = Task.isCancelled || error is CancellationError
        let kind = (error as? ModelError)?.kind.rawValue ?? Other.internal.rawValue
        errors[isCancelled ? Other.cancelled.rawValue : kind]?.add()
    }

    fileprivate var ends: [MetricsPage.Sample] {
        [.init(["model": id, "end": "complete"], completed.value)]
            + errors.keys.sorted().map { .init(["model": id, "end": $0], errors[$0]?.value ?? 0) }
    }
}

/// A model that records what asking it takes; in everything else it is the model it was made from.
package struct MeasuredModel: LanguageModel {
    private let model: any LanguageModel
    fileprivate let metrics: ModelMetrics

    fileprivate init(_ model: any LanguageModel) {
        self.model = model
        metrics = ModelMetrics(model.descriptor.id)
    }

    package var descriptor: ModelDescriptor { model.descriptor }

    package func answer(
        to prompt: ModelPrompt, onDelta: @Sendable (ModelDelta) async throws -> Void
    ) async throws -> ModelFinish {
        let began = ContinuousClock.now
        let isFirst = Atomic(true)
        metrics.running.increment()
        defer { metrics.running.decrement() }
        do {
            let finish = try await model.answer(to: prompt) { delta in
                // Deltas come one after the other, so a load and a store are enough.
                if isFirst.load(ordering: .relaxed) {
                    isFirst.store(false, ordering: .relaxed)
                    metrics.firstTokens.record(since: began)
                }
                try await onDelta(delta)
            }
            metrics.recordEnd(finish, since: began)
            return finish
        } catch {
            metrics.recordFailure(error)
            throw error
        }
    }
}

/// The models of a catalogue, each recording what asking it takes.
package struct MeasuredModels: MetricsSource {
    /// The same models in the same order, with the same default.
    package let catalogue: ModelCatalogue
    private let metrics: [ModelMetrics]
    /// Those of them that are behind a circuit.
    private let guarded: [GuardedModel]

    /// Wraps every model of `catalogue`.
    package init(_ catalogue: ModelCatalogue) throws {
        let models = catalogue.models.map { MeasuredModel($0) }
        metrics = models.map(\.metrics)
        guarded = catalogue.models.compactMap { $0 as? GuardedModel }
        self.catalogue = try ModelCatalogue(models, defaultID: catalogue.defaultID)
    }

    package func collect(into page: inout MetricsPage) {
        page.counter(
            "model_requests_total", "Answers asked of a model, by their end: complete, or the kind of error.",
            metrics.flatMap(\.ends))
        page.gauge(
            "model_running", "Answers that a model is writing.",
            metrics.map { .init(["model": $0.id], $0.running.value) })
        page.gauge(
            "model_circuit_open", "1 while a model is not asked, because it was away several times in a row.",
            guarded.map { .init(["model": $0.descriptor.id], $0.isOpen ? 1 : 0) })
        page.histogram(
            "model_first_token_seconds", "From asking a model to its first token.",
            metrics.map { (["model": $0.id], $0.firstTokens) })
        page.histogram(
            "model_answer_seconds", "From asking a model to the end of a complete answer.",
            metrics.map { (["model": $0.id], $0.answers) })
        page.counter(
            "model_tokens_total", "Tokens that providers say they read and wrote.",
            metrics.flatMap { model -> [MetricsPage.Sample] in
                [
                    .init(["model": model.id, "direction": "input"], model.inputTokens.value),
                    .init(["model": model.id, "direction": "output"], model.outputTokens.value),
                ]
            })
    }
}
