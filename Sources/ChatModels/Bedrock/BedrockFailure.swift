import ChatCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What Bedrock says in an error. The message is only searched, never shown or logged: it may repeat what was
/// asked, or name an account.
struct BedrockErrorBody: Decodable {
    private(set) var name: String?
    private let message: String

    private enum Key: String, CodingKey {
        case code, upperCode = "Code", type = "__type", message, upperMessage = "Message"
    }

    init(message: String?) {
        self.message = message?.lowercased() ?? ""
    }

    /// A body that may be empty, or not JSON at all (a proxy's).
    init(_ bytes: [UInt8]) {
        self =
            (try? JSONDecoder().decode(BedrockErrorBody.self, from: Data(bytes)))
            ?? BedrockErrorBody(message: nil)
    }

    init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: Key.self)
        name = [Key.code, .upperCode, .type].lazy.compactMap { members.tolerant(String.self, $0) }.first
        message =
            (members.tolerant(String.self, .message) ?? members.tolerant(String.self, .upperMessage) ?? "")
            .lowercased()
    }

    func mentions(_ phrases: String...) -> Bool { phrases.contains { message.contains($0) } }
}

/// Bedrock's errors, by their names; inside a stream and as a status they are the same.
enum BedrockFailure {
    /// An exception or error frame inside a stream that began with status 200.
    static func inStream(_ name: String, body: BedrockErrorBody) -> UpstreamFailure {
        failure(name: name, status: 500, body: body, where: "inside the stream")
    }

    /// A status other than 200.
    static func answer(status: Int, body: BedrockErrorBody, headers: HTTPHeaders) -> UpstreamFailure {
        let name = name(in: headers) ?? body.name.map(plain) ?? ""
        return failure(name: name, status: status, body: body, where: "HTTP \(status)")
    }

    /// The error's name in the head of a response, such as `ThrottlingException`.
    static func name(in headers: HTTPHeaders) -> String? {
        headers.first(name: "x-amzn-errortype").map(plain)
    }

    /// `prefix#Name:http://…` without what surrounds the name.
    private static func plain(_ name: String) -> String {
        String(name.prefix { $0 != ":" }.split(separator: "#").last ?? "")
    }

    private static func failure(
        name: String, status: Int, body: BedrockErrorBody, where place: String
    ) -> UpstreamFailure {
        // Inside a stream the same names begin with a small letter.
        let known = name.prefix(1).uppercased() + name.dropFirst()
        let isWord = (1...64).contains(name.utf8.count) && name.allSatisfy { $0.isASCII && $0.isLetter }
        let detail = isWord ? "\(place), \(known)" : place
        func failure(
            _ kind: ModelError.Kind, _ advice: String = "", message: String? = nil, transient: Bool = false
        ) -> UpstreamFailure {
            UpstreamFailure(
                ModelError(kind, message: message, detail: detail + advice), isTransient: transient)
        }
        switch known {
        case "ValidationException":
            if body.mentions("too long", "too many input tokens", "context window", "maximum context") {
                return failure(.tooLong)
            }
            if body.mentions("on-demand throughput") {
                return failure(
                    .unknownModel, "; this model is only to be had by an inference profile (us., eu., …)")
            }
            if body.mentions("model identifier is invalid") {
                return failure(.unknownModel, "; the model's id is invalid")
            }
            return failure(.refused)
        case "ThrottlingException":
            // A quota that comes back tomorrow is not waited for.
            return failure(.throttled, transient: !body.mentions("per day"))
        case "ModelTimeoutException": return failure(.timedOut, transient: true)
        case "ModelErrorException", "ModelStreamErrorException", "ModelNotReadyException",
            "InternalServerException", "ServiceUnavailableException":
            return failure(.unavailable, transient: true)
        case "ServiceQuotaExceededException":
            return failure(
                .unavailable, message: "This server has used up its quota of that model. Tell its operator.")
        case "ResourceNotFoundException": return failure(.unknownModel)
        default: break
        }
        switch status {
        case 300...399: return failure(.malformed, ", a redirect; check the base URL")
        case 401, 403: return failure(.unauthorized)
        case 404, 405: return failure(.unknownModel)
        case 408: return failure(.timedOut, transient: true)
        case 413: return failure(.tooLong)
        case 429: return failure(.throttled, transient: true)
        case 500...: return failure(.unavailable, transient: true)
        default: return failure(.refused)
        }
    }
}
