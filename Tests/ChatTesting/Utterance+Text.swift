package import ChatCore

extension Utterance: ExpressibleByStringLiteral {
    /// The answer's text, without reasoning.
    package init(stringLiteral text: String) { self.init(text: text) }
}

extension AnswerPart {
    /// The text of a part.
    package var text: String { said.text }
}

extension AnswerGrowth {
    /// The text of a growth.
    package var text: String { said.text }
}
