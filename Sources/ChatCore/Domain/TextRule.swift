/// A bound on a text that a client sends.
package enum TextRule {
    case prompt
    case title
    case systemPrompt
    case modelID

    /// Refuses `text` past its limit, and a prompt without anything to read.
    /// - Throws: ``ChatError/Code/tooLarge`` or ``ChatError/Code/invalid``.
    package func check(_ text: String?) throws {
        guard let text else { return }
        let (noun, bytesMax) = bound
        guard text.utf8.count <= bytesMax else {
            throw ChatError(.tooLarge, "The \(noun) is longer than \(bytesMax) bytes.")
        }
        if case .prompt = self, text.allSatisfy(\.isWhitespace) {
            throw ChatError(.invalid, "The prompt is empty.")
        }
        if case .modelID = self, text.isEmpty {
            throw ChatError(.invalid, "The model id is empty.")
        }
    }

    private var bound: (noun: String, bytesMax: Int) {
        switch self {
        case .prompt: ("prompt", Limits.promptBytesMax)
        case .title: ("title", Limits.titleBytesMax)
        case .systemPrompt: ("system prompt", Limits.systemPromptBytesMax)
        case .modelID: ("model id", Limits.modelIDBytesMax)
        }
    }
}
