/// The models this server offers.
package struct ModelCatalogue: Sendable {
    /// In the order they are shown.
    package let models: [any LanguageModel]
    /// The id of the model that is asked when nobody chose one.
    package let defaultID: String

    /// - Parameter defaultID: nil takes the first.
    /// - Throws: ``ChatError/Code/invalid`` when there is no model, two have one id, or the default is not
    ///   among them.
    package init(_ models: [any LanguageModel], defaultID: String? = nil) throws {
        guard let first = models.first else { throw ChatError(.invalid, "The catalogue has no model.") }
        var ids: Set<String> = []
        for model in models where !ids.insert(model.descriptor.id).inserted {
            throw ChatError(.invalid, "The catalogue names the model \(model.descriptor.id) twice.")
        }
        let defaultID = defaultID ?? first.descriptor.id
        guard ids.contains(defaultID) else {
            throw ChatError(.invalid, "The default model \(defaultID) is not in the catalogue.")
        }
        self.models = models
        self.defaultID = defaultID
    }

    private init(_ models: [any LanguageModel], of catalogue: ModelCatalogue) {
        self.models = models
        defaultID = catalogue.defaultID
    }

    /// The same models, each behind a ``Circuit`` of its own.
    package var guarded: ModelCatalogue { ModelCatalogue(models.map(GuardedModel.init), of: self) }

    /// The model `id`, or the default for nil.
    /// - Throws: ``ChatError/Code/invalid`` when the catalogue does not have it.
    package func model(_ id: String?) throws -> any LanguageModel {
        let id = id ?? defaultID
        guard let model = models.first(where: { $0.descriptor.id == id }) else {
            throw ChatError(.invalid, "This server has no such model. Choose another one.")
        }
        return model
    }
}
