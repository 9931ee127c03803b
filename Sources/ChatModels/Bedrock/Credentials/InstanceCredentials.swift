import NIOHTTP1

/// The role of an EC2 instance, from its metadata service, version 2 only.
struct InstanceCredentials: CredentialSource {
    private static let source = "the instance's metadata"
    private static let tokenSeconds = 21_600
    private static let path = "/latest/meta-data/iam/security-credentials/"

    let environment: [String: String]
    let endpoint: CredentialEndpoint

    func load() async throws -> AWSCredentials? {
        if environment["AWS_EC2_METADATA_DISABLED"]?.lowercased() == "true" { return nil }
        let base = environment["AWS_EC2_METADATA_SERVICE_ENDPOINT"] ?? "http://169.254.169.254"
        guard let address = ServerAddress(base) else {
            throw CredentialProblem("AWS_EC2_METADATA_SERVICE_ENDPOINT is no base URL")
        }
        let token: String
        do {
            token = try await text(
                .PUT, address.baseURL + "/latest/api/token",
                ("x-aws-ec2-metadata-token-ttl-seconds", "\(Self.tokenSeconds)"))
        } catch {
            // Nobody answers anywhere but on EC2.
            try Task.checkCancellation()
            return nil
        }
        let header = (name: "x-aws-ec2-metadata-token", value: token)
        do {
            let roles = try await text(.GET, address.baseURL + Self.path, header)
            guard let role = roles.split(whereSeparator: \.isNewline).first else { return nil }
            let url = address.baseURL + Self.path + String(role).percentEncoded()
            let bytes = try await endpoint.bytes(.GET, url, headers: [header])
            return try CredentialDocument.credentials(in: bytes, source: Self.source)
        } catch let refusal as CredentialEndpoint.Refusal {
            // An instance without a role.
            if refusal.status == 404 { return nil }
            throw CredentialProblem("\(Self.source) answered HTTP \(refusal.status)")
        } catch let problem as CredentialProblem {
            throw problem
        } catch {
            try Task.checkCancellation()
            throw CredentialProblem("\(Self.source) stopped answering")
        }
    }

    private func text(
        _ method: HTTPMethod, _ url: String, _ header: (name: String, value: String)
    ) async throws -> String {
        let bytes = try await endpoint.bytes(method, url, headers: [header])
        guard (1...4_096).contains(bytes.count), bytes.allSatisfy({ $0 < 0x7F && ($0 >= 0x20 || $0 == 0x0A) })
        else { throw CredentialProblem("\(Self.source) answered something else than text") }
        return String(decoding: bytes, as: UTF8.self)
    }
}
