#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A key pair of AWS, perhaps for a while only. It prints where it came from, and none of its parts.
struct AWSCredentials: Sendable, Equatable {
    var accessKeyID: String
    var secretAccessKey: String
    /// Sent and signed along with requests when the pair belongs to a session.
    var sessionToken: String?
    /// When AWS stops accepting it; nil for never.
    var expiration: Date?
    /// Where it came from, for the operator.
    var source: String
}

extension AWSCredentials: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    var description: String { "AWS credentials from \(source)" }
    var debugDescription: String { description }
    /// `dump` and the failures of tests look through a mirror.
    var customMirror: Mirror { Mirror(self, children: [:]) }
}
