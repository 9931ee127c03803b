import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What every request to Bedrock is made with: a bearer key, or credentials that are fetched when first
/// needed and again before they expire, by one refresh at a time for all who wait.
actor BedrockAuthority {
    /// Prints neither.
    enum Credentials: Sendable, CustomStringConvertible, CustomReflectable {
        case bearer(String)
        case pair(AWSCredentials)

        nonisolated var description: String {
            switch self {
            case .bearer: "a Bedrock API key"
            case .pair(let pair): "\(pair)"
            }
        }
        nonisolated var customMirror: Mirror { Mirror(self, children: [:]) }
    }

    /// Before the expiry, when a refresh begins while the old pair still serves; as in AWS's own library.
    static let earlySeconds: TimeInterval = 15 * 60
    /// Before the expiry, when a refresh is waited for.
    static let lateSeconds: TimeInterval = 10 * 60
    /// After a refresh that failed, while the old pair still serves.
    static let pauseSeconds: TimeInterval = 30

    private let bearer: String?
    private let sources: [any CredentialSource]
    private let now: @Sendable () -> Date
    private var pair: AWSCredentials?
    private var refresh: Task<AWSCredentials, any Error>?
    private var failedAt: Date?

    /// - Parameters:
    ///   - bearer: outranks all sources.
    ///   - sources: asked in their order; each bounds its own time.
    init(
        bearer: String? = nil, sources: [any CredentialSource] = [],
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.bearer = bearer
        self.sources = sources
        self.now = now
    }

    /// In AWS's order: `AWS_BEARER_TOKEN_BEDROCK`, the environment, the shared files, the container's
    /// endpoint, the instance's metadata.
    init(environment: [String: String], http: ModelHTTPClient) {
        self.init(
            bearer: environment["AWS_BEARER_TOKEN_BEDROCK"],
            sources: [
                EnvironmentCredentials(environment: environment),
                ProfileCredentials(environment: environment),
                ContainerCredentials(
                    environment: environment, endpoint: .init(http: http, deadlineMilliseconds: 2_000)),
                InstanceCredentials(
                    environment: environment, endpoint: .init(http: http, deadlineMilliseconds: 1_000)),
            ])
    }

    /// What to make the next request with.
    /// - Throws: ``UpstreamFailure`` (not transient) with the reason there are none, or `CancellationError`.
    func credentials() async throws -> Credentials {
        if let bearer { return .bearer(bearer) }
        guard let pair else { return .pair(try await refreshed()) }
        guard let secondsLeft = pair.expiration?.timeIntervalSince(now()), secondsLeft <= Self.earlySeconds
        else { return .pair(pair) }
        if secondsLeft > 0, let failedAt, now().timeIntervalSince(failedAt) < Self.pauseSeconds {
            return .pair(pair)
        }
        if secondsLeft > Self.lateSeconds {
            _ = refreshing()
            return .pair(pair)
        }
        do {
            return .pair(try await refreshed())
        } catch {
            try Task.checkCancellation()
            // The old pair serves as long as AWS takes it.
            guard secondsLeft > 0 else { throw error }
            return .pair(pair)
        }
    }

    /// AWS took `pair` no longer.
    /// - Returns: whether another one may be had.
    func forget(_ pair: AWSCredentials) -> Bool {
        if self.pair == pair { self.pair = nil }
        return pair.sessionToken != nil
    }

    /// Waits for the refresh under way, or for a new one. A caller who is cancelled leaves; the refresh goes
    /// on for the others.
    private func refreshed() async throws -> AWSCredentials {
        let refresh = refreshing()
        let (results, continuation) = AsyncThrowingStream<AWSCredentials, any Error>.makeStream()
        Task {
            do {
                continuation.yield(try await refresh.value)
            } catch {
                continuation.finish(throwing: error)
            }
        }
        for try await pair in results { return pair }
        throw CancellationError()
    }

    private func refreshing() -> Task<AWSCredentials, any Error> {
        if let refresh { return refresh }
        let task = Task {
            do {
                let pair = try await load()
                end(with: pair)
                return pair
            } catch {
                end(with: nil)
                throw error
            }
        }
        refresh = task
        return task
    }

    private func end(with pair: AWSCredentials?) {
        refresh = nil
        failedAt = pair == nil ? now() : nil
        if let pair { self.pair = pair }
    }

    private nonisolated func load() async throws -> AWSCredentials {
        do {
            for source in sources {
                if let pair = try await source.load() { return pair }
            }
        } catch let problem as CredentialProblem {
            throw UpstreamFailure(problem.error)
        } catch {
            throw UpstreamFailure(CredentialProblem("AWS credentials could not be looked for").error)
        }
        throw UpstreamFailure(CredentialProblem("no AWS credentials were found").error)
    }
}
