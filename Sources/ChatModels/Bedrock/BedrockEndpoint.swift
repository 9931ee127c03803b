/// Where Bedrock's runtime listens, and the region its signatures name.
package struct BedrockEndpoint: Sendable, Hashable {
    package let region: String
    let address: ServerAddress

    /// Makes the value; nil when `region` is no region's name or `baseURL` no base URL.
    /// - Parameter baseURL: of a VPC endpoint or a test; nil takes the region's own.
    package init?(region: String, baseURL: String? = nil) {
        guard (1...64).contains(region.utf8.count),
            region.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
        else { return nil }
        // Another partition, and so another domain.
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        guard let address = ServerAddress(baseURL ?? "https://bedrock-runtime.\(region).\(domain)") else {
            return nil
        }
        self.region = region
        self.address = address
    }

    /// The path of the operation for `model`, encoded once: an id with a slash is one segment all the same.
    func path(of model: String) -> String {
        "\(address.path)/model/\(model.percentEncoded())/converse-stream"
    }

    /// The URL that goes with ``path(of:)``.
    func url(of model: String) -> String {
        address.baseURL.dropLast(address.path.count) + path(of: model)
    }
}
