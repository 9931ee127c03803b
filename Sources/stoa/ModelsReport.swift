import ChatCore
import ChatModels

/// One model of the catalogue, as `stoa models list` prints it.
struct ModelLine: Encodable {
    private let id: String
    private let label: String
    private let provider: String
    private let isDefault: Bool
    private let contextTokensMax: Int?
    private let outputTokensMax: Int?

    private enum CodingKeys: String, CodingKey {
        case id, label, provider
        case isDefault = "is_default"
        case contextTokensMax = "context_tokens"
        case outputTokensMax = "output_tokens_max"
    }

    init(_ model: ModelDescriptor, in catalogue: ModelCatalogue) {
        id = model.id
        label = model.label
        provider = model.provider
        isDefault = model.id == catalogue.defaultID
        contextTokensMax = model.contextTokensMax
        outputTokensMax = model.outputTokensMax
    }

    /// For people.
    var text: String {
        var line = "\(provider.padded(8)) \(id)"
        if label != id { line += " (\(label))" }
        if let contextTokensMax { line += ", window \(contextTokensMax) tokens" }
        if let outputTokensMax { line += ", answers up to \(outputTokensMax)" }
        return isDefault ? line + ", the default" : line
    }
}

extension ModelCheck.Result {
    /// For people.
    var text: String {
        let time = firstTokenMilliseconds.map { "\($0) ms" } ?? "FAILED"
        let why = failure.map { ": \($0)" + (reason.map { ", \($0)" } ?? "") } ?? ""
        return "\(time.padded(9)) \(provider.padded(8)) \(id)\(why)"
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
