extension SessionKey {
    /// Bytes of what a client makes up for a rotation.
    package static let nonceBytes = 32
    private static let purpose = Array("stoa rotate".utf8)
    /// Of 256 places, one search in e^64 would not be done by then.
    private static let attemptsMax = 1 << 14

    /// The key that comes after this one: the same for the same nonce, so that a rotation can be asked for
    /// again when its answer was lost, and known to nobody who does not know this key and the nonce.
    ///
    /// HMAC-SHA256 under this key of `stoa rotate`, the nonce and a number of four bytes, the first from 0 up
    /// whose session `fits`.
    /// - Returns: nil when none is found, which does not happen.
    package func successor(nonce: [UInt8], where fits: (SessionID) -> Bool) -> SessionKey? {
        for number in 0..<UInt32(Self.attemptsMax) {
            let counter = stride(from: 24, through: 0, by: -8).map { UInt8(number >> UInt32($0) & 0xFF) }
            let next = SessionKey(bytes: HMACSHA256.code(Self.purpose + nonce + counter, key: bytes))
            if fits(next.sessionID) { return next }
        }
        return nil
    }
}
