/// How much of a conversation somebody has seen: everything up to a version and, of the answer that was
/// running then, the text up to an offset.
///
/// The offset counts only while the running answer is no newer than ``version``; a newer answer is seen from
/// its start.
package struct Cursor: Hashable, Sendable, CustomStringConvertible {
    /// The conversation's version.
    package var version: Int
    /// Bytes of UTF-8 of the running answer's text.
    package var offset: Int

    /// Nothing seen yet.
    package static let start = Cursor(version: 0, offset: 0)

    /// Makes the value.
    package init(version: Int, offset: Int) {
        self.version = version
        self.offset = offset
    }

    /// Reads ``description`` back, or nil when it is malformed.
    package init?(_ text: some StringProtocol) {
        let fields = text.split(separator: ".", omittingEmptySubsequences: false)
        guard fields.count == 2, let version = Int(fields[0]), let offset = Int(fields[1]), version >= 0,
            offset >= 0
        else { return nil }
        self.init(version: version, offset: offset)
    }

    package var description: String { "\(version).\(offset)" }
}
