import Logging

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One JSON object a line on standard error: `time`, `level`, `logger`, `message`, and the metadata as
/// members of their own.
struct JSONLogHandler: LogHandler {
    private static let timeStyle = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    let label: String
    var logLevel: Logger.Level = .info
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var members = ["logger": label]
        for (key, value) in metadata.merging(event.metadata ?? [:], uniquingKeysWith: { $1 }) {
            members[key] = "\(value)"
        }
        // Last, so that no metadata can take their place.
        members["time"] = Date().formatted(Self.timeStyle)
        members["level"] = event.level.rawValue
        members["message"] = event.message.description
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let line = try? encoder.encode(members) else { return }
        StandardError.write(String(decoding: line, as: UTF8.self))
    }
}
