/// One thing that an examination found out about a volume.
package struct Finding: Sendable, Equatable, Encodable {
    /// What it means for the data.
    package enum Severity: String, Sendable, Comparable, CaseIterable, Encodable {
        /// As it should be.
        case good
        /// The volume can be used, at a price that the sentence names.
        case warning
        /// The volume would lose data, or cannot be used.
        case refused

        package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .good: 0
            case .warning: 1
            case .refused: 2
            }
        }
    }

    /// What it is about, for machines: `mount.soft`, `lock.process`.
    package let code: String
    /// What it means for the data.
    package let severity: Severity
    /// What was found and what to do, for an operator: a whole sentence.
    package let sentence: String
    /// The mount option that puts it right, as it is written in /etc/fstab.
    package let option: String?

    init(_ code: String, _ severity: Severity, _ sentence: String, option: String? = nil) {
        self.code = code
        self.severity = severity
        self.sentence = sentence
        self.option = option
    }
}
