/// Where an OpenAI-compatible server listens, and the key it wants.
///
/// Prints without the key and without anything that a URL may hide in front of its host.
package struct OpenAIEndpoint: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    /// The base URL without a slash at its end, such as `https://api.openai.com/v1`.
    package let baseURL: String
    /// Sent as a bearer token; nil sends no `Authorization` at all.
    package let key: String?
    /// Scheme, host and port: what a log may say.
    package let description: String

    /// OpenAI's own.
    package static let openAIBaseURL = "https://api.openai.com/v1"

    /// Makes the value; nil unless `baseURL` is an http or https URL with a host and without a query.
    package init?(baseURL: String, key: String?) {
        var base = Substring(baseURL)
        while base.last == "/" { base.removeLast() }
        guard let separator = base.firstRange(of: "://"), base.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            return nil
        }
        let scheme = base[..<separator.lowerBound].lowercased()
        let authority = base[separator.upperBound...].prefix { $0 != "/" }
        // Credentials in a URL would end up in every log that names the URL; the key has its own place.
        guard ["http", "https"].contains(scheme), !authority.isEmpty, !base.contains("@"),
            !base.contains(where: { $0 == "?" || $0 == "#" })
        else { return nil }
        self.baseURL = String(base)
        self.key = key.flatMap { $0.isEmpty ? nil : $0 }
        description = "\(scheme)://\(authority)"
    }

    package var debugDescription: String { description }
}
