import ChatCore
import ChatTesting
import Testing

@testable import ChatModels

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where credentials come from, each place by itself and in their order.
@Suite(.timeLimit(.minutes(5))) struct CredentialSourceTests {
    static let document =
        #"{"Code":"Success","AccessKeyId":"AKIDC","SecretAccessKey":"secret-word","Token":"token-word","#
        + #""Expiration":"2026-01-15T18:00:00.5Z","RoleArn":"arn:x"}"#
    /// What no error and no description may hold.
    private static let secrets = ["secret-word", "token-word", "AKID"]

    private func load(_ source: some CredentialSource) async -> (AWSCredentials?, String) {
        do {
            return (try await source.load(), "")
        } catch {
            for secret in Self.secrets { #expect(!"\(error)".contains(secret)) }
            return (nil, "\(error)")
        }
    }

    /// Runs `body` with a folder of files that is gone afterwards.
    private func withFiles<T>(
        _ files: [String: String], _ body: (String) async throws -> T
    ) async throws -> T {
        let folder = FileManager.default.temporaryDirectory.appending(path: "stoa-aws-\(UUID().uuidString)")
        try FileManager.default.createDirectory(
            at: folder.appending(path: ".aws"), withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
        return try await body(folder.path)
    }

    @Test("the environment gives a pair, half a pair is an error")
    func environment() async throws {
        let pair = ["AWS_ACCESS_KEY_ID": "AKIDE", "AWS_SECRET_ACCESS_KEY": "secret-word"]
        let found = try #require(await load(EnvironmentCredentials(environment: pair)).0)
        #expect(found.accessKeyID == "AKIDE" && found.sessionToken == nil && found.expiration == nil)
        #expect(await load(EnvironmentCredentials(environment: [:])).0 == nil)
        let half = await load(EnvironmentCredentials(environment: ["AWS_ACCESS_KEY_ID": "AKIDE"]))
        #expect(half.1 == "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not")
    }

    @Test("the shared files are read as AWS's library reads them")
    func parsing() {
        let config = SharedConfigFile(
            """
            \u{FEFF}# a comment
            [default]
            region = eu-central-1 \r
            s3 =
              max_concurrent = 7
            [profile dev one]
            Region=us-west-2
            ; other
            [profile "quoted"]
            a = b = c
            [sso-session x]
            region = nowhere
            """, kind: .config)
        #expect(config.profiles["default"] == ["region": "eu-central-1", "s3": ""])
        #expect(config.profiles["dev one"] == ["region": "us-west-2"])
        #expect(config.profiles["quoted"] == ["a": "b = c"])
        #expect(config.profiles.count == 3)
        let credentials = SharedConfigFile(
            "[dev]\naws_access_key_id=a\naws_access_key_id=b", kind: .credentials)
        #expect(credentials.profiles == ["dev": ["aws_access_key_id": "b"]])
    }

    @Test("a profile's pair comes from the credentials file first, then from the config file")
    func profiles() async throws {
        let files = [
            ".aws/credentials": """
            [default]
            aws_access_key_id = AKID1
            aws_secret_access_key = secret-word1
            [dev]
            aws_access_key_id = AKID2
            aws_secret_access_key = secret-word2
            aws_session_token = token-word2
            [half]
            aws_access_key_id = AKID3
            """,
            ".aws/config": """
            [default]
            aws_access_key_id = AKID9
            aws_secret_access_key = secret-word9
            region = eu-west-1
            [profile only]
            aws_access_key_id = AKID4
            aws_secret_access_key = secret-word4
            [profile role]
            role_arn = arn:aws:iam::1:role/x
            source_profile = default
            [profile empty]
            region = r
            """,
        ]
        try await withFiles(files) { home in
            func source(_ profile: String?) -> ProfileCredentials {
                ProfileCredentials(
                    environment: ["HOME": home, "AWS_PROFILE": profile].compactMapValues { $0 })
            }
            #expect(await load(source(nil)).0?.accessKeyID == "AKID1")
            let region = try await source(nil).region()
            #expect(region == "eu-west-1")
            let dev = await load(source("dev")).0
            #expect(dev?.accessKeyID == "AKID2" && dev?.sessionToken == "token-word2")
            #expect(dev?.description == "AWS credentials from the profile dev in the credentials file")
            #expect(await load(source("only")).0?.accessKeyID == "AKID4")
            #expect(await load(source("half")).1 == "the profile half has no aws_secret_access_key")
            #expect(await load(source("role")).1.contains("role_arn, which is not supported"))
            #expect(await load(source("nope")).1.contains("nope (AWS_PROFILE) is in none"))
            #expect(await load(source("empty")) == (nil, ""))
            let elsewhere = ProfileCredentials(environment: [
                "AWS_SHARED_CREDENTIALS_FILE": home + "/.aws/credentials", "AWS_CONFIG_FILE": home + "/none",
            ])
            #expect(await load(elsewhere).0?.accessKeyID == "AKID1")
            #expect(await load(ProfileCredentials(environment: [:])) == (nil, ""))
        }
    }

    @Test("a container's endpoint is asked with the token that its file holds at that moment")
    func container() async throws {
        try await withFiles(["token": "first"]) { folder in
            try await ScriptedServer.run(Reply.status("200 OK", Self.document)) { server in
                try await Asking.withHTTP { http in
                    let source = container(
                        [
                            "AWS_CONTAINER_CREDENTIALS_FULL_URI": server.rootURL + "/get?a=b",
                            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": folder + "/token",
                            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "not me",
                        ], http)
                    let pair = try #require(await load(source).0)
                    #expect(pair.accessKeyID == "AKIDC" && pair.sessionToken == "token-word")
                    #expect(pair.expiration == Date(timeIntervalSince1970: 1_768_500_000))
                    try Data("second".utf8).write(to: URL(filePath: folder + "/token"))
                    _ = await load(source)
                    try Data("a\r\nb: c".utf8).write(to: URL(filePath: folder + "/token"))
                    #expect(await load(source).1.contains("not one line of plain text"))
                    let relative = container(["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/x"], http)
                    var local = relative
                    local.relativeBase = server.rootURL
                    #expect(await load(local).0?.accessKeyID == "AKIDC")
                }
                let requests = server.requests
                #expect(requests.map { $0.headers["authorization"] } == ["first", "second", nil])
                #expect(
                    requests.map(\.line)
                        == ["GET /get?a=b HTTP/1.1", "GET /get?a=b HTTP/1.1", "GET /v2/x HTTP/1.1"])
            }
        }
    }

    @Test("a container's endpoint that fails is asked three times, and is an error then")
    func brokenContainer() async throws {
        let replies = [
            Reply.status("500 Oops", Self.document), Reply.status("200 OK", "AKID secret-word"),
        ]
        for (reply, count) in zip(replies, [3, 1]) {
            try await ScriptedServer.run(reply) { server in
                try await Asking.withHTTP { http in
                    let name = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
                    let (pair, problem) = await load(container([name: server.rootURL], http))
                    #expect(pair == nil && problem.hasPrefix("the container's endpoint"))
                }
                #expect(server.requests.count == count)
            }
        }
    }

    @Test("a token goes to no stranger")
    func trust() {
        for url in [
            "https://example.com/x", "http://127.0.0.9:80/x?y=z", "http://localhost/x", "http://[::1]:7/x",
            "http://169.254.170.2/x", "http://169.254.170.23/v1", "http://[fd00:ec2::23]/v1",
        ] { #expect(ContainerCredentials.isTrusted(url), "\(url)") }
        for url in [
            "http://example.com/x", "http://127.evil.com/x", "http://10.0.0.1/x", "http://user@127.0.0.1/x",
            "http://169.254.169.254/x", "ftp://127.0.0.1/x", "",
        ] { #expect(!ContainerCredentials.isTrusted(url), "\(url)") }
    }

    @Test("an instance's role is asked for with a session, version 2")
    func instance() async throws {
        try await ScriptedServer.run(
            Reply.status("200 OK", "session"), Reply.status("200 OK", "my-role\n"),
            Reply.status("200 OK", Self.document)
        ) { server in
            try await Asking.withHTTP { http in
                let pair = await load(instance(server.rootURL, http)).0
                #expect(pair?.accessKeyID == "AKIDC" && pair?.expiration != nil)
            }
            let path = "/latest/meta-data/iam/security-credentials/"
            #expect(
                server.requests.map(\.line) == [
                    "PUT /latest/api/token HTTP/1.1", "GET \(path) HTTP/1.1", "GET \(path)my-role HTTP/1.1",
                ])
            let sessions = server.requests.map { $0.headers["x-aws-ec2-metadata-token"] }
            #expect(sessions == [nil, "session", "session"])
            #expect(server.requests[0].headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600")
        }
    }

    @Test("no instance, a silent one, one without a role, and one that is switched off are passed over")
    func noInstance() async throws {
        let start = ContinuousClock.now
        try await Asking.withHTTP { http in
            #expect(await load(instance("http://127.0.0.1:1", http)) == (nil, ""))
            let off = InstanceCredentials(
                environment: ["AWS_EC2_METADATA_DISABLED": "TRUE"],
                endpoint: .init(http: http, deadlineMilliseconds: 1_000))
            #expect(await load(off) == (nil, ""))
            try await ScriptedServer.run([.awaitDeparture]) { server in
                let hasty = instance(server.rootURL, http, deadlineMilliseconds: 300)
                #expect(await load(hasty) == (nil, ""))
            }
            try await ScriptedServer.run(Reply.status("200 OK", "s"), Reply.status("404 No", "")) { server in
                #expect(await load(instance(server.rootURL, http)) == (nil, ""))
            }
            try await ScriptedServer.run(Reply.status("200 OK", "s"), Reply.status("500 No", "")) { server in
                #expect(
                    await load(instance(server.rootURL, http)).1
                        == "the instance's metadata answered HTTP 500")
            }
        }
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    private func container(_ environment: [String: String], _ http: ModelHTTPClient) -> ContainerCredentials {
        ContainerCredentials(
            environment: environment, endpoint: .init(http: http, deadlineMilliseconds: 10_000),
            pauseMilliseconds: 10)
    }

    private func instance(
        _ base: String, _ http: ModelHTTPClient, deadlineMilliseconds: Int = 10_000
    ) -> InstanceCredentials {
        InstanceCredentials(
            environment: ["AWS_EC2_METADATA_SERVICE_ENDPOINT": base],
            endpoint: .init(http: http, deadlineMilliseconds: deadlineMilliseconds))
    }
}
