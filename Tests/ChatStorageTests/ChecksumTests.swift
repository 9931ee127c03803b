import ChatCore
import Testing

@testable import ChatStorage

@Suite("Checksums of streams")
struct ChecksumTests {
    @Test(
        "in any pieces, the same as SHA-256 of the whole",
        arguments: [0, 1, 55, 56, 63, 64, 65, 119, 1_000, 5_000])
    func pieces(count: Int) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 >> 3) }
        for piece in [1, 7, 64, 100, 4_096] {
            var checksum = SHA256()
            var rest = bytes[...]
            while !rest.isEmpty {
                checksum.update(Array(rest.prefix(piece)))
                rest = rest.dropFirst(piece)
            }
            #expect(checksum.finish() == SHA256.hash(bytes), "\(count) bytes in pieces of \(piece)")
        }
    }

    @Test("a content's hash does not depend on the order, and does on the content")
    func content() throws {
        let documents = (0..<5).map { number in
            SessionDocument(
                Session(id: SessionKey().sessionID, created: Timestamp(milliseconds: Int64(number))),
                conversations: [], version: number)
        }
        var forward = ContentHash()
        var backward = ContentHash()
        for document in documents { forward.add(try ContentHash(of: document)) }
        for document in documents.reversed() { backward.add(try ContentHash(of: document)) }
        #expect(forward == backward && forward.sessions == 5)
        #expect(forward.hexadecimal.count == 64)
        backward.add(try ContentHash(of: documents[0]))
        #expect(forward != backward)
    }
}
