import ChatCore
import Synchronization
import Testing

@testable import ChatModels

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite(.timeLimit(.minutes(5))) struct BedrockAuthorityTests {
    private static let start = Date(timeIntervalSince1970: 1_768_478_400)

    /// A clock that stands still until it is moved.
    private final class Clock: Sendable {
        private let date = Mutex(BedrockAuthorityTests.start)

        var now: Date { date.withLock { $0 } }
        func move(minutes: Double) { date.withLock { $0.addTimeInterval(minutes * 60) } }
    }

    private func token(_ authority: BedrockAuthority) async throws -> String {
        guard case .pair(let pair) = try await authority.credentials() else { return "" }
        return pair.sessionToken ?? ""
    }

    @Test("the places are asked in AWS's order, and a key of Bedrock's own outranks them all")
    func order() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "stoa-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("[default]\naws_access_key_id = AKIDF\naws_secret_access_key = s".utf8)
            .write(to: URL(filePath: path))
        try await ScriptedServer.run(
            Reply.status("200 OK", CredentialSourceTests.document), Reply.status("200 OK", "session"),
            Reply.status("200 OK", "role"),
            Reply.status(
                "200 OK", CredentialSourceTests.document.replacing("AKIDC", with: "AKIDI"))
        ) { server in
            try await Asking.withHTTP { http in
                var environment = [
                    "AWS_BEARER_TOKEN_BEDROCK": "ABSK-word", "AWS_ACCESS_KEY_ID": "AKIDE",
                    "AWS_SECRET_ACCESS_KEY": "s", "AWS_SHARED_CREDENTIALS_FILE": path,
                    "AWS_CONFIG_FILE": path + ".none",
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.rootURL,
                    "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.rootURL,
                ]
                var found: [String] = []
                for variable in [
                    "AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_SHARED_CREDENTIALS_FILE",
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                ] {
                    switch try await BedrockAuthority(environment: environment, http: http).credentials() {
                    case .bearer(let key): found.append(key)
                    case .pair(let pair): found.append(pair.accessKeyID)
                    }
                    environment[variable] = nil
                }
                #expect(found == ["ABSK-word", "AKIDE", "AKIDF", "AKIDC", "AKIDI"])
            }
        }
    }

    @Test("no credentials anywhere is an error that says so, and prints nothing else")
    func none() async throws {
        await #expect(
            performing: { _ = try await BedrockAuthority().credentials() },
            throws: {
                let error = ($0 as? UpstreamFailure)?.error
                return error?.kind == .unauthorized && error?.detail == "no AWS credentials were found"
            })
        let key = try await BedrockAuthority(bearer: "ABSK-word").credentials()
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] { #expect(!text.contains("ABSK")) }
    }

    @Test("a hundred who ask at once share one refresh")
    func oneRefresh() async throws {
        let source = NumberedCredentials(pause: .milliseconds(50))
        let authority = BedrockAuthority(sources: [source])
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<100 { group.addTask { try await token(authority) } }
            for try await token in group { #expect(token == "token 1") }
        }
        #expect(source.count == 1)
    }

    @Test("a caller who is cancelled leaves at once, and the refresh goes on for the others")
    func cancelled() async throws {
        let source = NumberedCredentials(isHeld: true)
        let authority = BedrockAuthority(sources: [source])
        let impatient = Task { try await token(authority) }
        while source.count == 0 { try await Task.sleep(for: .milliseconds(5)) }
        impatient.cancel()
        // Before the source has answered anybody.
        await #expect(throws: CancellationError.self) { try await impatient.value }
        source.letGo()
        #expect(try await token(authority) == "token 1")
        #expect(source.count == 1)
    }

    @Test("they are refreshed before they expire: first beside the work, later before it")
    func refreshed() async throws {
        let clock = Clock()
        let source = NumberedCredentials(expiration: Self.start.addingTimeInterval(3_600))
        let authority = BedrockAuthority(sources: [source], now: { clock.now })
        #expect(try await token(authority) == "token 1")
        clock.move(minutes: 44)
        #expect(try await token(authority) == "token 1" && source.count == 1)
        source.change(isBroken: false, expiration: Self.start.addingTimeInterval(7_200))
        clock.move(minutes: 2)
        #expect(try await token(authority) == "token 1")
        let deadline = ContinuousClock.now + .seconds(30)
        while try await token(authority) != "token 2", ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(source.count == 2)
        source.change(isBroken: false)
        clock.move(minutes: 65)
        #expect(try await token(authority) == "token 3")
    }

    @Test("while a refresh fails the old pair serves until it expires, and the source is not hammered")
    func failing() async throws {
        let clock = Clock()
        let source = NumberedCredentials(expiration: Self.start.addingTimeInterval(3_600))
        let authority = BedrockAuthority(sources: [source], now: { clock.now })
        _ = try await token(authority)
        source.change(isBroken: true)
        clock.move(minutes: 55)
        for _ in 0..<20 { #expect(try await token(authority) == "token 1") }
        #expect(source.count == 2)
        clock.move(minutes: 1)
        #expect(try await token(authority) == "token 1")
        #expect(source.count == 3)
        clock.move(minutes: 10)
        await #expect(throws: UpstreamFailure.self) { try await token(authority) }
        source.change(isBroken: false)
        #expect(try await token(authority) == "token 5")
    }
}
