import NIOHTTP1

/// When to ask again: openai-python's policy (0.5 s, doubled, at most 8 s, less up to a quarter at random,
/// the server's own wait first), so that servers meet a client they know.
package struct RetryPolicy: Sendable, Hashable {
    /// Attempts after the first one.
    package var retriesMax = 2
    /// Before the first retry, in milliseconds; doubled for each further one.
    package var firstDelayMilliseconds = 500
    /// The longest wait of our own, in milliseconds.
    package var delayMillisecondsMax = 8_000
    /// A server that asks for a longer wait, in milliseconds, is not asked again.
    package var askedMillisecondsMax = 120_000

    /// The policy above.
    package init() {}

    /// Milliseconds to wait before retry number `retry` (from 0), or nil when there is to be none.
    /// - Parameter asked: what the server asked for.
    package func delayMilliseconds(
        retry: Int, asked: Int?, using generator: inout some RandomNumberGenerator
    ) -> Int? {
        guard retry < retriesMax else { return nil }
        if let asked, asked > 0 { return asked <= askedMillisecondsMax ? asked : nil }
        let full = min(delayMillisecondsMax, firstDelayMilliseconds << min(retry, 16))
        return full - Int.random(in: 0...max(0, full / 4), using: &generator)
    }
}

/// What a server says about when to come back.
enum RetryAfter {
    /// `retry-after-ms`, else `retry-after` in seconds or as an HTTP date; nil when absent, in the past or no
    /// number.
    static func milliseconds(in headers: HTTPHeaders) -> Int? {
        let bound = 1e10
        if let text = headers.first(name: "retry-after-ms"), let value = Double(text),
            (0..<bound).contains(value)
        {
            return Int(value)
        }
        guard let text = headers.first(name: "retry-after") else { return nil }
        if let seconds = Double(text), (0..<bound / 1_000).contains(seconds) { return Int(seconds * 1_000) }
        // The server's clock and ours may differ: a date is only understood beside the server's own Date
        // header.
        guard let then = HTTPDate.seconds(text),
            let now = headers.first(name: "date").flatMap(HTTPDate.seconds)
        else { return nil }
        return then > now ? (then - now) * 1_000 : nil
    }
}

/// RFC 9110's preferred date, `Sun, 06 Nov 1994 08:49:37 GMT`.
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Seconds since 1970, or nil when `text` is not such a date.
    static func seconds(_ text: String) -> Int? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", let day = Int(words[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(words[2])), let year = Int(words[3]),
            (1970...9999).contains(year)
        else { return nil }
        let clock = words[4].split(separator: ":").compactMap { Int($0) }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]),
            (0...60).contains(clock[2])
        else { return nil }
        // Days from the civil calendar, counted in years that begin in March, so that the leap day comes
        // last.
        let shifted = month < 2 ? year - 1 : year
        let dayOfYear = (153 * ((month + 10) % 12) + 2) / 5 + day - 1
        let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
        return days * 86_400 + clock[0] * 3_600 + clock[1] * 60 + clock[2]
    }
}
