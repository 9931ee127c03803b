#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Random numbers that can be had again: SplitMix64 (Steele, Lea, Flood 2014).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    /// What to put into `STOA_SEED` to see the same run again.
    package let seed: UInt64
    private var state: UInt64

    /// The same seed gives the same numbers.
    package init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// A generator for one test: seeded from `STOA_SEED` or anew, and the seed is printed.
    package static func announced(_ test: String) -> SeededGenerator {
        let wanted = ProcessInfo.processInfo.environment["STOA_SEED"].flatMap { UInt64($0) }
        let seed = wanted ?? UInt64.random(in: 0...UInt64(UInt32.max))
        print("\(test): STOA_SEED=\(seed)")
        return SeededGenerator(seed: seed)
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
