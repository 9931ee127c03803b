/// The base URL of a provider's server, checked.
///
/// Prints without anything that a URL may hide in front of its host or behind its path.
package struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
    /// Without a slash at its end, such as `https://api.openai.com/v1`.
    package let baseURL: String
    /// Host and, when the URL names one that is not the scheme's own, port: what the `Host` header says.
    package let authority: String
    /// The path of the base URL, without a slash at its end; mostly empty.
    package let path: String
    /// Scheme, host and port: what a log may say.
    package let description: String

    /// Makes the value; nil unless `baseURL` is an http or https URL with a host and without user, query and
    /// fragment.
    package init?(_ baseURL: String) {
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
        let ownPort = scheme == "https" ? ":443" : ":80"
        self.authority = String(authority.hasSuffix(ownPort) ? authority.dropLast(ownPort.count) : authority)
        path = String(base[authority.endIndex...])
        description = "\(scheme)://\(authority)"
    }
}
