import AsyncHTTPClient
import ChatCore
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Short requests to the endpoints that hand out credentials.
struct CredentialEndpoint: Sendable {
    /// A status other than 200.
    struct Refusal: Error {
        var status: Int
    }

    private static let bytesMax = 65_536

    let http: ModelHTTPClient
    /// For one request, its answer included.
    let deadlineMilliseconds: Int

    /// Asks once.
    /// - Throws: ``Refusal``, or what the client throws.
    func bytes(
        _ method: HTTPMethod, _ url: String, headers: [(name: String, value: String)] = []
    ) async throws -> [UInt8] {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers = HTTPHeaders(headers)
        request.headers.add(name: "user-agent", value: "stoa")
        let response = try await http.client.execute(
            request, timeout: .milliseconds(Int64(deadlineMilliseconds)))
        guard response.status == .ok else { throw Refusal(status: Int(response.status.code)) }
        return Array(buffer: try await response.body.collect(upTo: Self.bytesMax))
    }
}

/// What these endpoints answer.
struct CredentialDocument: Decodable {
    private let id: String
    private let secret: String
    private let token: String?
    private let expiration: String?

    private enum CodingKeys: String, CodingKey {
        case id = "AccessKeyId"
        case secret = "SecretAccessKey"
        case token = "Token"
        case expiration = "Expiration"
    }

    /// - Throws: ``CredentialProblem`` without a word of the body.
    static func credentials(in bytes: [UInt8], source: String) throws -> AWSCredentials {
        guard let document = try? JSONDecoder().decode(CredentialDocument.self, from: Data(bytes)) else {
            throw CredentialProblem("\(source) answered something that is no credentials")
        }
        var expiration: Date?
        if let text = document.expiration {
            guard let date = try? Date(text.withoutFraction, strategy: .iso8601) else {
                throw CredentialProblem("\(source) answered with an Expiration that is no date")
            }
            expiration = date
        }
        return AWSCredentials(
            accessKeyID: document.id, secretAccessKey: document.secret, sessionToken: document.token,
            expiration: expiration, source: source)
    }
}

extension String {
    /// `…:00.123Z` as `…:00Z`.
    fileprivate var withoutFraction: String {
        guard let point = firstIndex(of: ".") else { return self }
        return String(self[..<point] + self[index(after: point)...].drop(while: \.isNumber))
    }
}
