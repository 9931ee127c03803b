import ArgumentParser
import ChatCore

/// An age as people write it: `90d`, `12h`, `30m`, `45s`.
struct AgeText: ExpressibleByArgument {
    private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    private static let secondsMax: Int64 = 100 * 365 * 86_400

    /// How long.
    let duration: Duration

    init?(argument: String) {
        guard let unit = argument.last.flatMap({ Self.units[$0] }), let count = Int64(argument.dropLast()),
            count > 0, count <= Self.secondsMax / unit
        else { return nil }
        duration = .seconds(count * unit)
    }

    /// The moment that was so long ago, by this host's clock.
    var before: Timestamp {
        Timestamp(milliseconds: Timestamp.now().milliseconds - Int64(duration / .milliseconds(1)))
    }
}
