import AsyncHTTPClient
import ChatCore
import NIOCore
import NIOHTTP1

/// One attempt failed: what to tell, and whether another attempt may do better.
struct UpstreamFailure: Error {
    var error: ModelError
    /// The same request may succeed in a moment. Only asked before the first delta.
    var isTransient = false

    init(_ error: ModelError, isTransient: Bool = false) {
        self.error = error
        self.isTransient = isTransient
    }

    /// The body ended, or `[DONE]` came, without a reason why the answer is over.
    static let cutOff = UpstreamFailure(
        ModelError(.cutOff, detail: "the stream ended without a finish reason"), isTransient: true)

    /// Status 200 and then not one event: what llama-cpp-python answers when the prompt does not fit its
    /// window.
    static let emptyStream = UpstreamFailure(
        ModelError(
            .tooLong,
            message: "The model's server ended without an answer. The conversation may be too long for it.",
            detail: "an empty stream; is the prompt longer than the server's window?"), isTransient: true)

    static func malformed(_ detail: String) -> UpstreamFailure {
        UpstreamFailure(ModelError(.malformed, detail: detail))
    }

    /// An error object inside a stream that began with status 200.
    static func inStream(_ body: UpstreamErrorBody) -> UpstreamFailure {
        var failure = answer(
            status: body.status ?? (body.saysThrottled ? 429 : 500), body: body, headers: [:])
        failure.error = ModelError(
            failure.error.kind, message: failure.error.message,
            detail: "error inside the stream\(body.words)",
            retryAfterMilliseconds: failure.error.retryAfterMilliseconds)
        return failure
    }

    /// A status that is not 200.
    static func answer(status: Int, body: UpstreamErrorBody, headers: HTTPHeaders) -> UpstreamFailure {
        let wait = RetryAfter.milliseconds(in: headers)
        var detail = "HTTP \(status)\(body.words)"
        if let id = headers.first(name: "x-request-id"), id.utf8.count <= 100 { detail += ", request \(id)" }
        func failure(_ kind: ModelError.Kind, message: String? = nil, transient: Bool = false)
            -> UpstreamFailure
        {
            var isTransient = transient
            // openai-python's rule: the server's own word on retries outranks the status.
            switch headers.first(name: "x-should-retry")?.lowercased() {
            case "true": isTransient = true
            case "false": isTransient = false
            default: break
            }
            let error = ModelError(kind, message: message, detail: detail, retryAfterMilliseconds: wait)
            return UpstreamFailure(error, isTransient: isTransient)
        }
        if body.saysTooLong || status == 413 { return failure(.tooLong) }
        if body.saysFiltered { return failure(.refused) }
        if body.saysNoQuota {
            return failure(
                .unavailable, message: "This server has used up its quota of that model. Tell its operator.")
        }
        switch status {
        case 300...399:
            // Not followed: the key must not travel to an address that nobody configured.
            detail += ", a redirect; check the base URL"
            return failure(.malformed)
        case 401, 403: return failure(.unauthorized)
        case 404, 405: return failure(.unknownModel)
        case 408: return failure(.timedOut, transient: true)
        case 409: return failure(.unavailable, transient: true)
        case 429: return failure(.throttled, transient: true)
        case 500...: return failure(.unavailable, transient: true)
        default: return failure(.refused)
        }
    }

    /// The connection could not be made, or broke.
    ///
    /// Only constant words go into the detail: `description` of a transport error may hold an address.
    static func transport(_ error: any Error, hasBegun: Bool) -> UpstreamFailure {
        if hasBegun {
            return UpstreamFailure(
                ModelError(.cutOff, detail: "the connection broke: \(name(of: error))"), isTransient: true)
        }
        let client = error as? HTTPClientError
        if client == .connectTimeout || client == .tlsHandshakeTimeout
            || client == .getConnectionFromPoolTimeout
        {
            return UpstreamFailure(ModelError(.timedOut, detail: name(of: error)), isTransient: true)
        }
        return UpstreamFailure(ModelError(.unavailable, detail: name(of: error)), isTransient: true)
    }

    private static func name(of error: any Error) -> String {
        if let client = error as? HTTPClientError { return client.shortDescription }
        if let io = error as? IOError { return "system error \(io.errnoCode)" }
        return String(describing: type(of: error))
    }
}
