/// A short stretch of a text around what was searched for.
package struct Snippet: Hashable, Sendable {
    /// A part of it.
    package struct Piece: Hashable, Sendable {
        /// Never empty.
        package let text: String
        /// Whether this is what was searched for.
        package let isHit: Bool

        /// Makes the value.
        package init(text: String, isHit: Bool) {
            self.text = text
            self.isHit = isHit
        }
    }

    /// In the order of the text. What was left out before or after is an ellipsis, and each run of white
    /// space one space.
    package let pieces: [Piece]

    /// All of the text.
    package var text: String { pieces.map(\.text).joined() }

    /// Scalars shown before the first hit.
    private static let leadScalars = 40
    /// How far an end is moved to fall between two words.
    private static let trimScalarsMax = 20

    /// - Parameters:
    ///   - words: as they are compared; at least one is in the text.
    ///   - scalarsMax: how long it may become, in Unicode scalars.
    package init(of text: String, words: [[UInt8]], fold: inout TextFold, scalarsMax: Int) {
        let scalars = Array(text.unicodeScalars)
        var folded: [UInt8] = []
        var ends: [Int] = []
        ends.reserveCapacity(scalars.count)
        for scalar in scalars {
            fold.append(scalar, to: &folded)
            ends.append(folded.count)
        }
        let first = words.compactMap { SearchQuery.place(of: $0, in: folded) }.min() ?? 0
        let window = Self.window(
            around: Self.scalar(at: first, ends), in: scalars, scalarsMax: scalarsMax)
        let hits = Self.hits(of: words, in: folded, ends: ends, window: window)

        var pieces = Pieces(isCut: window.lowerBound > 0)
        var index = window.lowerBound
        for hit in hits where hit.upperBound > index {
            pieces.add(scalars[index..<max(index, hit.lowerBound)], isHit: false)
            pieces.add(scalars[max(index, hit.lowerBound)..<hit.upperBound], isHit: true)
            index = hit.upperBound
        }
        pieces.add(scalars[index..<window.upperBound], isHit: false)
        self.pieces = pieces.ended(isCut: window.upperBound < scalars.count)
    }

    /// The scalar that the byte at `offset` of the folded text was made of.
    private static func scalar(at offset: Int, _ ends: [Int]) -> Int {
        var low = 0, high = ends.count
        while low < high {
            let middle = (low + high) / 2
            if ends[middle] > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }

    private static func window(around hit: Int, in scalars: [Unicode.Scalar], scalarsMax: Int) -> Range<Int> {
        guard scalars.count > scalarsMax else { return 0..<scalars.count }
        var start = max(0, min(hit - leadScalars, scalars.count - scalarsMax))
        var end = min(scalars.count, start + scalarsMax)
        if start > 0 {
            let limit = min(start + trimScalarsMax, hit)
            if let space = scalars[start..<limit].firstIndex(where: \.properties.isWhitespace) {
                start = space + 1
            }
        }
        if end < scalars.count {
            let limit = max(end - trimScalarsMax, hit + 1)
            if limit < end, let space = scalars[limit..<end].lastIndex(where: \.properties.isWhitespace) {
                end = space
            }
        }
        return start..<end
    }

    /// Where any of the words is, in ascending order; they may overlap.
    private static func hits(of words: [[UInt8]], in folded: [UInt8], ends: [Int], window: Range<Int>)
        -> [Range<Int>]
    {
        var hits: [Range<Int>] = []
        for word in words {
            var from = window.lowerBound > 0 ? ends[window.lowerBound - 1] : 0
            while let place = SearchQuery.place(of: word, in: folded, from: from) {
                let start = scalar(at: place, ends)
                guard start < window.upperBound else { break }
                var end = scalar(at: place + word.count - 1, ends) + 1
                // Marks that were left out belong to the letter before them.
                while end < ends.count, ends[end] == ends[end - 1] { end += 1 }
                if start >= window.lowerBound { hits.append(start..<min(end, window.upperBound)) }
                from = place + word.count
            }
        }
        return hits.sorted { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }
    }

    /// Pieces as they are put together.
    private struct Pieces {
        private var pieces: [(text: String.UnicodeScalarView, isHit: Bool)] = []
        private var endsWithSpace = true

        init(isCut: Bool) {
            if isCut { append("…", isHit: false) }
        }

        private mutating func append(_ scalar: Unicode.Scalar, isHit: Bool) {
            if pieces.last?.isHit != isHit { pieces.append((String.UnicodeScalarView(), isHit)) }
            pieces[pieces.count - 1].text.append(scalar)
        }

        mutating func add(_ scalars: ArraySlice<Unicode.Scalar>, isHit: Bool) {
            for scalar in scalars {
                let isSpace = scalar.properties.isWhitespace
                if !isSpace {
                    append(scalar, isHit: isHit)
                } else if !endsWithSpace {
                    append(" ", isHit: isHit)
                }
                endsWithSpace = isSpace
            }
        }

        consuming func ended(isCut: Bool) -> [Piece] {
            if isCut { append("…", isHit: false) }
            return pieces.map { Piece(text: String($0.text), isHit: $0.isHit) }
        }
    }
}
