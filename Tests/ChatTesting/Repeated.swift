import Testing

/// A long text for a test's argument, printed as what it is made of.
package struct Repeated: Sendable, CustomTestStringConvertible {
    /// The whole text.
    package let text: String
    package let testDescription: String

    /// `count` times `piece`, then `end`.
    package init(_ piece: String, _ count: Int, end: String = "") {
        text = String(repeating: piece, count: count) + end
        testDescription = "\(count) x \(piece.debugDescription)"
    }

    /// A text that is made in another way.
    package init(_ name: String, text: String) {
        self.text = text
        testDescription = name
    }
}
