import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// AWS Signature Version 4 in its header form: a pure function of the request, the credentials and the date.
///
/// What is signed must be what is sent, to the byte; so the path comes as it stands in the request line.
struct SignatureV4 {
    /// What is to be signed. The names of `headers` are lower case; `host` has to be among them.
    struct Request {
        var method = "POST"
        /// Percent-encoded once, as sent.
        var path: String
        /// Not encoded.
        var query: [(name: String, value: String)] = []
        var headers: [(name: String, value: String)]
        var body: [UInt8] = []
    }

    var region: String
    /// `bedrock` for all hosts of Bedrock, the runtime's too.
    var service = "bedrock"

    /// The headers to add to `request`: its date, the session's token if there is one, and the signature.
    func headers(
        for request: Request, credentials: AWSCredentials, date: Date
    ) -> [(name: String, value: String)] {
        let time = Self.time(date)
        var added = [(name: "x-amz-date", value: time)]
        if let token = credentials.sessionToken { added.append((name: "x-amz-security-token", value: token)) }
        let signed = request.headers + added
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        let canonical = SHA256.hash(Self.canonicalRequest(request, signing: signed).utf8)
        let text = ["AWS4-HMAC-SHA256", time, scope, canonical.hexadecimal].joined(separator: "\n")
        let key = ["\(time.prefix(8))", region, service, "aws4_request"].reduce(
            Array("AWS4\(credentials.secretAccessKey)".utf8)
        ) { key, part in HMACSHA256.code(part.utf8, key: key) }
        let signature = HMACSHA256.code(text.utf8, key: key).hexadecimal
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope), "
            + "SignedHeaders=\(Self.names(signed)), Signature=\(signature)"
        return added + [(name: "authorization", value: authorization)]
    }

    /// What is hashed; its parts are AWS's own words.
    static func canonicalRequest(
        _ request: Request, signing headers: [(name: String, value: String)]
    ) -> String {
        let lines = headers.sorted { $0.name < $1.name }.map { header in
            "\(header.name):\(header.value.split(separator: " ").joined(separator: " "))\n"
        }
        let query = request.query
            .map { (name: $0.name.percentEncoded(), value: $0.value.percentEncoded()) }
            .sorted { ($0.name, $0.value) < ($1.name, $1.value) }
            .map { "\($0.name)=\($0.value)" }.joined(separator: "&")
        return [
            // Encoded once more than sent: without that, ids with a colon or a slash are refused.
            request.method, request.path.percentEncoded(keeping: "/"), query, lines.joined(), names(headers),
            SHA256.hash(request.body).hexadecimal,
        ].joined(separator: "\n")
    }

    private static func names(_ headers: [(name: String, value: String)]) -> String {
        headers.map(\.name).sorted().joined(separator: ";")
    }

    /// `20260115T120000Z`.
    private static func time(_ date: Date) -> String {
        date.formatted(Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted))
    }
}

extension String {
    /// RFC 3986: every byte but the unreserved ones, and those of `kept`, as `%XX`.
    func percentEncoded(keeping kept: String = "") -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        let unreserved = "-._~\(kept)".utf8
        var bytes: [UInt8] = []
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                bytes.append(byte)
            case _ where unreserved.contains(byte): bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension [UInt8] {
    /// Two lower-case digits a byte.
    var hexadecimal: String {
        let digits = Array<UInt8>("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
