import ChatCore

/// Where a shard lies on the volume: a folder of its own, so that the files that come and go beside one
/// database do not void what NFS clients know of the others' folder.
struct ShardFile: Hashable, Sendable {
    /// Two hexadecimal digits, or as many as the last shard needs.
    let name: String
    let folder: String
    var path: String { folder + "/sessions.db" }

    init(_ number: Int, of count: Int, volume: String) {
        let digits = max(2, String(count - 1, radix: 16).count)
        let text = String(number, radix: 16)
        name = String(repeating: "0", count: digits - text.count) + text
        folder = volume + "/shards/" + name
    }

    /// The shard of a session: the first eight bytes of its id as a big-endian number, modulo the number of
    /// shards. The id is a hash, so the shards fill evenly.
    static func number(of session: SessionID, count: Int) -> Int {
        Int(session.bytes.prefix(8).reduce(0 as UInt64) { $0 << 8 | UInt64($1) } % UInt64(count))
    }
}
