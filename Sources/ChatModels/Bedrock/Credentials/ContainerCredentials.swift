import NIOCore
import NIOHTTP1

/// The endpoint that ECS and EKS pod identity put beside a container.
struct ContainerCredentials: CredentialSource {
    private static let source = "the container's endpoint"
    private static let attemptsMax = 3

    let environment: [String: String]
    let endpoint: CredentialEndpoint
    /// Where a relative URI is looked up: ECS's address, or a test's.
    var relativeBase = "http://169.254.170.2"
    var pauseMilliseconds = 1_000

    func load() async throws -> AWSCredentials? {
        guard let url = try url() else { return nil }
        var attempt = 1
        while true {
            do {
                // The file is replaced while we run, so it is read each time.
                let headers = try await headers()
                let bytes = try await endpoint.bytes(.GET, url, headers: headers)
                return try CredentialDocument.credentials(in: bytes, source: Self.source)
            } catch let problem as CredentialProblem {
                throw problem
            } catch {
                try Task.checkCancellation()
                guard attempt < Self.attemptsMax else {
                    let status = (error as? CredentialEndpoint.Refusal).map { ", HTTP \($0.status)" } ?? ""
                    throw CredentialProblem("\(Self.source) does not answer\(status)")
                }
                try await Task.sleep(for: .milliseconds(pauseMilliseconds))
                attempt += 1
            }
        }
    }

    private func url() throws -> String? {
        if let path = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            guard path.hasPrefix("/"), ServerAddress(relativeBase + path) != nil || path.contains("?") else {
                throw CredentialProblem("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is no path")
            }
            return relativeBase + path
        }
        guard let url = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] else { return nil }
        guard Self.isTrusted(url) else {
            throw CredentialProblem(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this host")
        }
        return url
    }

    /// A token is only sent over TLS, to this host, or to the addresses of ECS and EKS.
    static func isTrusted(_ url: String) -> Bool {
        guard let address = ServerAddress(String(url.prefix { $0 != "?" })) else { return false }
        if address.description.hasPrefix("https://") { return true }
        let host: Substring
        if address.authority.hasPrefix("[") {
            host = address.authority.dropFirst().prefix { $0 != "]" }
        } else {
            host = address.authority.prefix { $0 != ":" }
        }
        if ["localhost", "169.254.170.2", "169.254.170.23"].contains(host) { return true }
        guard let ip = try? SocketAddress(ipAddress: String(host), port: 0) else { return false }
        switch ip {
        case .v4: return host.hasPrefix("127.")
        case .v6: return ["::1", "fd00:ec2::23"].contains(host.lowercased())
        default: return false
        }
    }

    private func headers() async throws -> [(name: String, value: String)] {
        var headers = [(name: "accept", value: "application/json")]
        var token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        if let path = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
            guard let text = try await HostFile.text(path) else {
                throw CredentialProblem("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read")
            }
            token = text
        }
        if let token {
            // A line break would begin a header of its own.
            guard token.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
                throw CredentialProblem("the container's authorization token is not one line of plain text")
            }
            headers.append((name: "authorization", value: token))
        }
        return headers
    }
}
