import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Moments for people.
enum TimeText {
    /// To the minute, in UTC.
    static func minute(_ time: Timestamp) -> String {
        let date = Date(timeIntervalSince1970: Double(time.milliseconds) / 1_000)
        return String(date.formatted(.iso8601).prefix(16)).replacing("T", with: " ")
    }
}
