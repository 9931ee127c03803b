/// The key pair of a profile in the shared files, `AWS_PROFILE` or `default`.
struct ProfileCredentials: CredentialSource {
    /// Ways to credentials that we do not go: to fall back to other ones would act as somebody else.
    private static let otherWays = [
        "role_arn", "credential_process", "sso_session", "sso_start_url", "web_identity_token_file",
    ]

    let environment: [String: String]

    private var name: String { environment["AWS_PROFILE"] ?? "default" }

    func load() async throws -> AWSCredentials? {
        let credentials = try await members(.credentials), config = try await members(.config)
        if credentials == nil, config == nil, environment["AWS_PROFILE"] != nil {
            throw CredentialProblem("the profile \(name) (AWS_PROFILE) is in none of the shared files")
        }
        for members in [credentials, config].compactMap({ $0 }) {
            if let way = Self.otherWays.first(where: { members[$0] != nil }) {
                throw CredentialProblem(
                    "the profile \(name) wants \(way), which is not supported; "
                        + "set AWS_ACCESS_KEY_ID and what belongs to it")
            }
        }
        for (members, file) in [(credentials, "credentials"), (config, "config")] {
            guard let members, let id = members["aws_access_key_id"] else { continue }
            guard let secret = members["aws_secret_access_key"] else {
                throw CredentialProblem("the profile \(name) has no aws_secret_access_key")
            }
            return AWSCredentials(
                accessKeyID: id, secretAccessKey: secret, sessionToken: members["aws_session_token"],
                source: "the profile \(name) in the \(file) file")
        }
        return nil
    }

    /// The profile's region.
    func region() async throws -> String? { try await members(.config)?["region"] }

    private func members(_ kind: SharedConfigFile.Kind) async throws -> [String: String]? {
        guard let path = path(kind), let text = try await HostFile.text(path) else { return nil }
        return SharedConfigFile(text, kind: kind).profiles[name]
    }

    private func path(_ kind: SharedConfigFile.Kind) -> String? {
        let (variable, file) =
            kind == .config ? ("AWS_CONFIG_FILE", "config") : ("AWS_SHARED_CREDENTIALS_FILE", "credentials")
        let path = environment[variable] ?? "~/.aws/\(file)"
        guard path.hasPrefix("~/") else { return path }
        return environment["HOME"].map { $0 + path.dropFirst() }
    }
}
