package import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What sessions hold, as one number that does not depend on how or in which order they are kept: the sum of
/// the SHA-256 of each session's document. Two volumes with the same hash and counts hold the same.
package struct ContentHash: Hashable, Sendable, Codable {
    /// Sessions that were added.
    package private(set) var sessions = 0
    /// Their conversations.
    package private(set) var conversations = 0
    /// Their messages, shown or not.
    package private(set) var messages = 0
    /// Modulo 2^256, the least significant word first.
    private var sum: [UInt64] = [0, 0, 0, 0]

    /// Of nothing.
    package init() {}

    /// Of one session.
    /// - Throws: when the document cannot be encoded, which is a defect.
    package init(of document: SessionDocument) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        var checksum = SHA256()
        checksum.update(Array(try encoder.encode(document)))
        self.init(
            digest: checksum.finish(), conversations: document.conversations.count,
            messages: document.conversations.reduce(0) { $0 + $1.messages.count })
    }

    private init(digest: [UInt8], conversations: Int, messages: Int) {
        sessions = 1
        self.conversations = conversations
        self.messages = messages
        for index in 0..<4 {
            sum[3 - index] = digest[8 * index..<8 * index + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }

    /// Adds what other sessions hold.
    package mutating func add(_ other: ContentHash) {
        sessions += other.sessions
        conversations += other.conversations
        messages += other.messages
        var carry: UInt64 = 0
        for index in 0..<4 {
            let (first, over) = sum[index].addingReportingOverflow(other.sum[index])
            let (second, again) = first.addingReportingOverflow(carry)
            sum[index] = second
            carry = (over ? 1 : 0) + (again ? 1 : 0)
        }
    }

    /// 64 hexadecimal digits.
    package var hexadecimal: String {
        sum.reversed().map { word in
            let digits = String(word, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
