import ChatCore
import HTTPTypes
import Hummingbird
import NIOCore

/// What only HTTP can get wrong.
enum RequestFault: Error, Sendable {
    /// The body is no JSON, or does not say that it is.
    case unsupportedMediaType
}

/// An error as the contract has it: `application/problem+json` (RFC 9457) with a stable `code`.
///
/// This table and ``ErrorMiddleware`` are the only places that know status codes of errors.
struct Problem: Sendable {
    let status: HTTPResponse.Status
    let code: String
    let detail: String
    let retryAfterMilliseconds: Int?
    var headers: HTTPFields = [:]
    /// What an answer says beyond the fields that all have.
    var members: [JSONValue.Field] = []

    init(_ status: HTTPResponse.Status, code: String, detail: String, retryAfterMilliseconds: Int? = nil) {
        self.status = status
        self.code = code
        self.detail = detail
        self.retryAfterMilliseconds = retryAfterMilliseconds
    }

    /// What whoever asked is told of `error`: nothing private.
    init(of error: any Error) {
        switch error {
        case let error as ChatError: self.init(of: error)
        case RequestFault.unsupportedMediaType:
            self.init(
                .unsupportedMediaType, code: "unsupported_media_type",
                detail: "The body must be JSON: send `Content-Type: application/json`.")
        case is NIOTooManyBytesError: self.init(of: ChatError(.tooLarge, "The body is too long."))
        case let error as HTTPError where error.status == .notFound:
            self.init(
                .notFound, code: ChatError.Code.notFound.rawValue, detail: "There is nothing at this path.")
        default:
            self.init(
                .internalServerError, code: ChatError.Code.internal.rawValue,
                detail: "Something went wrong in the server. Its log says what.")
        }
    }

    private init(of error: ChatError) {
        let status: HTTPResponse.Status
        var retryAfterMilliseconds = error.retryAfterMilliseconds
        switch error.code {
        case .invalid: status = .badRequest
        case .unauthorized: status = .unauthorized
        case .notFound: status = .notFound
        case .answerRunning, .idTaken, .conflict, .limitReached, .fenced: status = .conflict
        case .tooLarge: status = .contentTooLarge
        case .busy, .unavailable:
            status = .serviceUnavailable
            retryAfterMilliseconds = retryAfterMilliseconds ?? 1_000
        case .internal: status = .internalServerError
        }
        self.init(
            status, code: error.code.rawValue,
            detail: error.code == .internal
                ? "Something went wrong in the server. Its log says what." : error.message,
            retryAfterMilliseconds: retryAfterMilliseconds)
        // RFC 9110, 11.6.1: a 401 "MUST send a WWW-Authenticate header field".
        if error.code == .unauthorized { headers[.wwwAuthenticate] = "Bearer realm=\"stoa\"" }
    }

    /// A path that exists, asked for in a way it does not take.
    static func methodNotAllowed(allowing methods: [HTTPRequest.Method]) -> Problem {
        let names = methods.map(\.rawValue).joined(separator: ", ")
        var problem = Problem(
            .methodNotAllowed, code: "method_not_allowed", detail: "This path takes \(names).")
        problem.headers[.allow] = names
        return problem
    }

    /// The body of the answer, and the data of an `error` event.
    var json: JSONValue {
        let fields = JSONValue.fields([
            "type": .string("about:blank"), "title": .string(status.reasonPhrase),
            "status": .count(status.code), "code": .string(code), "detail": .string(detail),
        ])
        guard case .object(var known) = fields else { return fields }
        if let retryAfterMilliseconds {
            known.append(JSONValue.Field(name: "retry_after_ms", value: .count(retryAfterMilliseconds)))
        }
        return .object(known + members)
    }

    /// The answer.
    var response: Response {
        var headers = headers
        headers[.contentType] = "application/problem+json"
        headers[.cacheControl] = "no-store"
        if let retryAfterMilliseconds {
            headers[.retryAfter] = String(max(1, (retryAfterMilliseconds + 999) / 1_000))
        }
        return Response(
            status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.bytes)))
    }
}
