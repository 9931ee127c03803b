/// What is in one part of a volume or of a backup, a shard or a folder of session files, and what is wrong
/// with it.
package struct PartReport: Hashable, Sendable {
    /// The part's name: two hexadecimal digits.
    package let part: String
    /// Bytes on the volume.
    package var bytes = 0
    /// What its sessions hold.
    package var content = ContentHash()
    /// Sentences, at most ``faultsMax``; empty when it is sound.
    package private(set) var faults: [String] = []

    /// Who has so many faults needs a backup, not a longer list.
    static let faultsMax = 20

    init(part: String) { self.part = part }

    mutating func add(_ fault: String) {
        if faults.count < Self.faultsMax { faults.append(fault) }
    }
}
