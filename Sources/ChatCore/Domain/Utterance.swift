/// What a model said: first what it thought aloud, then its answer.
///
/// It grows only at its end, so the first word of the answer ends the reasoning: reasoning that comes later
/// is left out. Parts and cursors count the bytes of UTF-8 of both together, from the first of the reasoning
/// on.
package struct Utterance: Hashable, Sendable {
    /// What the model thought aloud.
    package private(set) var reasoning: String
    /// The answer.
    package private(set) var text: String

    /// Makes the value.
    package init(reasoning: String = "", text: String = "") {
        self.reasoning = reasoning
        self.text = text
    }

    /// Bytes of UTF-8 of both.
    package var bytes: Int { reasoning.utf8.count + text.utf8.count }

    /// Whether nothing was said.
    package var isEmpty: Bool { reasoning.isEmpty && text.isEmpty }

    /// Adds to the end.
    /// - Precondition: no reasoning after text.
    package mutating func append(_ other: Utterance) {
        precondition(other.reasoning.isEmpty || text.isEmpty, "reasoning comes before the answer")
        reasoning += other.reasoning
        text += other.text
    }

    /// What follows after the first `count` bytes; nil when there are fewer, or when the place is inside a
    /// character (which only a made-up cursor names).
    package func dropFirst(_ count: Int) -> Utterance? {
        guard (0...bytes).contains(count) else { return nil }
        let thought = min(count, reasoning.utf8.count)
        guard let reasoning = String(reasoning.utf8.dropFirst(thought)),
            let text = String(text.utf8.dropFirst(count - thought))
        else { return nil }
        return Utterance(reasoning: reasoning, text: text)
    }

    /// Takes a part that belongs at `offset`. Of one whose beginning is known already (a repetition, perhaps
    /// longer) only the rest is taken.
    /// - Returns: what was added.
    /// - Throws: ``ChatError/Code/invalid`` when the part leaves a gap, disagrees with what is known, or
    ///   thinks after the answer began.
    @discardableResult
    package mutating func take(_ part: Utterance, at offset: Int) throws -> Utterance {
        guard let known = dropFirst(offset), let rest = part.dropFirst(min(known.bytes, part.bytes)),
            known.agrees(with: part), rest.reasoning.isEmpty || text.isEmpty
        else {
            throw ChatError(
                .invalid, "The part does not fit the answer.", cause: "offset \(offset), stored \(bytes)")
        }
        append(rest)
        return rest
    }

    /// Whether both say the same as far as both go.
    private func agrees(with other: Utterance) -> Bool {
        let count = min(bytes, other.bytes)
        let mine = count - min(count, reasoning.utf8.count)
        let theirs = count - min(count, other.reasoning.utf8.count)
        return reasoning.utf8.prefix(count).elementsEqual(other.reasoning.utf8.prefix(count))
            && text.utf8.prefix(mine).elementsEqual(other.text.utf8.prefix(theirs))
    }
}

extension Message {
    /// What the model said: reasoning and text.
    package var said: Utterance { Utterance(reasoning: reasoning, text: text) }
}
