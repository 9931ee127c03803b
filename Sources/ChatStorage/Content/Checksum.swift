/// SHA-256 of bytes that come piece by piece, without keeping them: for files, which ``ChatCore/SHA256``
/// would have to hold in memory.
struct Checksum {
    private static let blockBytes = 64
    private var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19,
    ]
    private var pending: [UInt8] = []
    private var count: UInt64 = 0
    private var schedule = [UInt32](repeating: 0, count: 64)

    /// Takes the next bytes.
    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        count += UInt64(bytes.count)
        var rest = bytes[...]
        if !pending.isEmpty {
            let missing = min(Self.blockBytes - pending.count, rest.count)
            pending.append(contentsOf: rest.prefix(missing))
            rest = rest.dropFirst(missing)
            guard pending.count == Self.blockBytes else { return }
            let block = pending
            block.withUnsafeBytes { compress($0) }
            pending.removeAll(keepingCapacity: true)
        }
        while rest.count >= Self.blockBytes {
            compress(UnsafeRawBufferPointer(rebasing: rest.prefix(Self.blockBytes)))
            rest = rest.dropFirst(Self.blockBytes)
        }
        pending.append(contentsOf: rest)
    }

    /// Takes the next bytes.
    mutating func update(_ bytes: some ContiguousBytesLike) { bytes.withBytes { update($0) } }

    /// The digest: 32 bytes. Ends the use of this value.
    mutating func finish() -> [UInt8] {
        let bits = count * 8
        var tail: [UInt8] = [0x80]
        tail += [UInt8](repeating: 0, count: (119 - pending.count) % Self.blockBytes)
        tail += stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: bits >> UInt64($0)) }
        tail.withUnsafeBytes { update($0) }
        return state.flatMap { word in
            stride(from: 24, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt32($0)) }
        }
    }

    /// One block of 64 bytes (FIPS 180-4, 6.2.2).
    private mutating func compress(_ block: UnsafeRawBufferPointer) {
        state.withUnsafeMutableBufferPointer { state in
            schedule.withUnsafeMutableBufferPointer { w in
                Self.constants.withUnsafeBufferPointer { k in
                    for i in 0..<16 {
                        w[i] = UInt32(bigEndian: block.loadUnaligned(fromByteOffset: 4 * i, as: UInt32.self))
                    }
                    for i in 16..<64 {
                        let early = w[i &- 15], late = w[i &- 2]
                        let s0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >> 3)
                        let s1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >> 10)
                        w[i] = w[i &- 16] &+ s0 &+ w[i &- 7] &+ s1
                    }
                    var (a, b, c, d) = (state[0], state[1], state[2], state[3])
                    var (e, f, g, h) = (state[4], state[5], state[6], state[7])
                    for i in 0..<64 {
                        let s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
                        let t1 = h &+ s1 &+ ((e & f) ^ (~e & g)) &+ k[i] &+ w[i]
                        let s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
                        let t2 = s0 &+ ((a & b) ^ (a & c) ^ (b & c))
                        (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
                    }
                    state[0] &+= a
                    state[1] &+= b
                    state[2] &+= c
                    state[3] &+= d
                    state[4] &+= e
                    state[5] &+= f
                    state[6] &+= g
                    state[7] &+= h
                }
            }
        }
    }

    /// The first 32 bits of the fractions of the cube roots of the first 64 primes.
    private static let constants: [UInt32] = (0..<64).map { index in
        var found = 0
        var prime = 1
        while found <= index {
            prime += 1
            if !(2..<prime).contains(where: { prime % $0 == 0 && $0 * $0 <= prime }) { found += 1 }
        }
        return cubeRootFraction(of: UInt64(prime))
    }

    /// floor(cbrt(n) * 2^32) modulo 2^32, by bisection in whole numbers.
    private static func cubeRootFraction(of number: UInt64) -> UInt32 {
        var low: UInt64 = 0
        var high: UInt64 = 8 << 32
        while high - low > 1 {
            let middle = (low + high) / 2
            // middle^3 <= number * 2^96, compared in three words of 64 bits.
            let square = middle.multipliedFullWidth(by: middle)
            let lower = square.low.multipliedFullWidth(by: middle)
            let upper = square.high.multipliedFullWidth(by: middle)
            let (sum, carry) = lower.high.addingReportingOverflow(upper.low)
            let top = upper.high + (carry ? 1 : 0)
            let isBelow = top < number >> 32 || (top == number >> 32 && sum < number << 32)
            if isBelow || (top == number >> 32 && sum == number << 32 && lower.low == 0) {
                low = middle
            } else {
                high = middle
            }
        }
        return UInt32(truncatingIfNeeded: low)
    }
}

@inline(__always)
private func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 { word >> count | word << (32 &- count) }

/// Bytes that lie side by side.
protocol ContiguousBytesLike {
    /// Lends them.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result
}

extension [UInt8]: ContiguousBytesLike {
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try withUnsafeBytes(body)
    }
}
