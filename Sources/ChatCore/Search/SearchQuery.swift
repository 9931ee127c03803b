/// The words of a search.
package struct SearchQuery: Hashable, Sendable {
    /// Each as it is compared (``TextFold``), in the order they were written, none twice.
    package let words: [[UInt8]]

    /// - Throws: ``ChatError/Code/tooLarge`` past ``Limits/searchQueryBytesMax`` or
    ///   ``Limits/searchWordsMax``, ``ChatError/Code/invalid`` when there is no word.
    package init(_ text: String) throws {
        guard text.utf8.count <= Limits.searchQueryBytesMax else {
            throw ChatError(.tooLarge, "The search is longer than \(Limits.searchQueryBytesMax) bytes.")
        }
        var fold = TextFold()
        var words: [[UInt8]] = []
        for word in text.split(whereSeparator: \.isWhitespace) {
            let bytes = fold.bytes(of: String(word))
            if !bytes.isEmpty, !words.contains(bytes) { words.append(bytes) }
        }
        guard !words.isEmpty else { throw ChatError(.invalid, "There is nothing to search for.") }
        guard words.count <= Limits.searchWordsMax else {
            throw ChatError(.tooLarge, "A search has at most \(Limits.searchWordsMax) words.")
        }
        self.words = words
    }

    /// Where `word` begins in `folded`, at `start` or later.
    static func place(of word: [UInt8], in folded: [UInt8], from start: Int = 0) -> Int? {
        let last = folded.count - word.count
        guard start <= last, let first = word.first else { return nil }
        return folded.withUnsafeBufferPointer { text in
            word.withUnsafeBufferPointer { word in
                var index = start
                while index <= last {
                    if text[index] == first {
                        var length = 1
                        while length < word.count, text[index + length] == word[length] { length += 1 }
                        if length == word.count { return index }
                    }
                    index += 1
                }
                return nil
            }
        }
    }
}
