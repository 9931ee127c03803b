import Synchronization

@testable import ChatModels

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A source that counts: its first pair is number 1.
final class NumberedCredentials: CredentialSource {
    private struct State {
        var count = 0
        var isBroken = false
        var expiration: Date?
        var pause = Duration.zero
        var isHeld = false
    }

    private let state = Mutex(State())

    /// - Parameter isHeld: it answers nobody until ``letGo()``.
    init(expiration: Date? = nil, pause: Duration = .zero, isHeld: Bool = false) {
        state.withLock {
            $0.expiration = expiration
            $0.pause = pause
            $0.isHeld = isHeld
        }
    }

    var count: Int { state.withLock { $0.count } }

    /// Answers those who wait.
    func letGo() { state.withLock { $0.isHeld = false } }

    /// From now on it fails, or gives pairs that expire at `expiration`.
    func change(isBroken: Bool, expiration: Date? = nil) {
        state.withLock {
            $0.isBroken = isBroken
            $0.expiration = expiration
        }
    }

    func load() async throws -> AWSCredentials? {
        let state = state.withLock { state in
            state.count += 1
            return state
        }
        try await Task.sleep(for: state.pause)
        while self.state.withLock(\.isHeld) { try await Task.sleep(for: .milliseconds(5)) }
        if state.isBroken { throw CredentialProblem("the test's source is broken") }
        return AWSCredentials(
            accessKeyID: "AKID\(state.count)", secretAccessKey: "secret-word",
            sessionToken: "token \(state.count)", expiration: state.expiration, source: "a test")
    }
}
