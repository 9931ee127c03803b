import ChatCore

/// One place where credentials may be found.
protocol CredentialSource: Sendable {
    /// Looks there once, within a bound of its own.
    /// - Returns: nil when nothing points to this place: the next one is asked.
    /// - Throws: ``CredentialProblem`` when something does, and it does not work.
    func load() async throws -> AWSCredentials?
}

/// A place was named, and gave no credentials. For the operator; holds neither a key nor an answer's body.
struct CredentialProblem: Error, Equatable, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }

    /// What the model's caller gets.
    var error: ModelError { ModelError(.unauthorized, detail: description) }
}

/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and perhaps `AWS_SESSION_TOKEN`.
struct EnvironmentCredentials: CredentialSource {
    let environment: [String: String]

    func load() throws -> AWSCredentials? {
        guard let id = environment["AWS_ACCESS_KEY_ID"] else { return nil }
        guard let secret = environment["AWS_SECRET_ACCESS_KEY"] else {
            throw CredentialProblem("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not")
        }
        return AWSCredentials(
            accessKeyID: id, secretAccessKey: secret, sessionToken: environment["AWS_SESSION_TOKEN"],
            source: "the environment")
    }
}
