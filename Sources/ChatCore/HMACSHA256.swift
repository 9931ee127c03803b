/// HMAC (RFC 2104) over SHA-256.
package enum HMACSHA256 {
    private static let blockBytes = 64

    /// The code of `message` under `key`: 32 bytes.
    package static func code(_ message: some Sequence<UInt8>, key: [UInt8]) -> [UInt8] {
        var block = key.count > blockBytes ? SHA256.hash(key) : key
        block += [UInt8](repeating: 0, count: blockBytes - block.count)
        let inner = SHA256.hash(block.map { $0 ^ 0x36 } + message)
        return SHA256.hash(block.map { $0 ^ 0x5C } + inner)
    }
}
