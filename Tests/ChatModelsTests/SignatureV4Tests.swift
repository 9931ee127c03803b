import ChatCore
import Testing

@testable import ChatModels

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct SignatureV4Tests {
    private static let body =
        #"{"messages":[{"role":"user","content":[{"text":"Hi"}]}],"inferenceConfig":{"maxTokens":16}}"#
    private static let runtime = "bedrock-runtime.us-east-1.amazonaws.com"
    /// 2026-01-15T12:00:00Z.
    private static let date = Date(timeIntervalSince1970: 1_768_478_400)

    private func signature(
        _ request: SignatureV4.Request, token: String? = nil
    ) -> String {
        let credentials = AWSCredentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            sessionToken: token, source: "a test")
        let headers = SignatureV4(region: "us-east-1").headers(
            for: request, credentials: credentials, date: Self.date)
        #expect(headers.first { $0.name == "x-amz-date" }?.value == "20260115T120000Z")
        #expect(headers.first { $0.name == "x-amz-security-token" }?.value == token)
        let authorization = headers.first { $0.name == "authorization" }?.value ?? ""
        #expect(
            authorization.hasPrefix(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260115/us-east-1/bedrock/aws4_request, "
                    + "SignedHeaders="
            ))
        return String(authorization.split(separator: "=").last ?? "")
    }

    private func post(_ path: String) -> SignatureV4.Request {
        SignatureV4.Request(
            path: path,
            headers: [
                (name: "content-type", value: "application/json"), (name: "host", value: Self.runtime),
            ],
            body: Array(Self.body.utf8))
    }

    @Test("signatures of AWS's own library come out equal")
    func vectors() {
        let nova = post("/model/amazon.nova-micro-v1%3A0/converse-stream")
        #expect(signature(nova) == "8415f660d534b8db7f233605bd06f6cef1c9d0179940cc212565e4b390aa0ff3")
        #expect(
            signature(nova, token: "EXAMPLETOKEN==")
                == "debdcd28fe0c2c515628693491226fdb23b473d3917e2bb48888049bf4a842fa")
        let list = SignatureV4.Request(
            method: "GET", path: "/inference-profiles",
            query: [(name: "type", value: "SYSTEM_DEFINED"), (name: "maxResults", value: "1000")],
            headers: [(name: "host", value: "bedrock.us-east-1.amazonaws.com")])
        #expect(signature(list) == "c608135a289e0ad2b66d37f9b437c05ba2fb80dac9eaf87293bdb5f4c36ebc33")
        let profile = post(
            "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2F"
                + "us.amazon.nova-micro-v1%3A0/converse")
        #expect(signature(profile) == "6de48f934cefeba9429e40a090f10c25c679d599b8a7f289c41fd85f2d884641")
    }

    @Test("the path is encoded once more than it is sent")
    func canonical() {
        let request = post("/model/amazon.nova-micro-v1%3A0/converse-stream")
        let headers = request.headers + [(name: "x-amz-date", value: "20260115T120000Z")]
        #expect(
            SignatureV4.canonicalRequest(request, signing: headers) == """
                POST
                /model/amazon.nova-micro-v1%253A0/converse-stream

                content-type:application/json
                host:bedrock-runtime.us-east-1.amazonaws.com
                x-amz-date:20260115T120000Z

                content-type;host;x-amz-date
                9086f5ed72696dae888c64846e3db151bb80e2483eba722648ee71231780c823
                """)
    }

    @Test("RFC 4231's codes, short and long keys")
    func codes() {
        #expect(
            HMACSHA256.code("what do ya want for nothing?".utf8, key: Array("Jefe".utf8)).hexadecimal
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        let long = [UInt8](repeating: 0xAA, count: 131)
        #expect(
            HMACSHA256.code("Test Using Larger Than Block-Size Key - Hash Key First".utf8, key: long)
                .hexadecimal
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
    }

    @Test("credentials print where they came from, and nothing else")
    func silence() {
        let credentials = AWSCredentials(
            accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret-word", sessionToken: "token-word",
            source: "the environment")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped] {
            #expect(!text.contains("AKID") && !text.contains("-word"))
            #expect(text.contains("the environment"))
        }
    }
}
