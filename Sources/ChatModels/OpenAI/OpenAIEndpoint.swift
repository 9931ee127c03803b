/// Where an OpenAI-compatible server listens, and the key it wants.
///
/// Prints without the key and without anything that a URL may hide in front of its host.
package struct OpenAIEndpoint: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
    private let address: ServerAddress
    /// Sent as a bearer token; nil sends no `Authorization` at all.
    package let key: String?

    /// OpenAI's own.
    package static let openAIBaseURL = "https://api.openai.com/v1"

    /// Makes the value; nil unless `baseURL` is an http or https URL with a host and without a query.
    package init?(baseURL: String, key: String?) {
        guard let address = ServerAddress(baseURL) else { return nil }
        self.address = address
        self.key = key.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The base URL without a slash at its end, such as `https://api.openai.com/v1`.
    package var baseURL: String { address.baseURL }
    /// Scheme, host and port: what a log may say.
    package var description: String { address.description }
    package var debugDescription: String { description }
}
