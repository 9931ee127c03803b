import ChatCore
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// Says who answered (`X-Served-By`, `X-Request-Id`), counts the request and writes one line about it; an
/// event stream has one when it begins and one when it ends.
///
/// The id is the one that the client or a balancer sent, or made here. Every line that is logged for the
/// request has it.
struct RequestLogMiddleware: RouterMiddleware {
    typealias Context = ChatRequestContext

    /// Pieces in which a long body is written, each with a deadline of its own.
    private static let pieceBytesMax = 64 * 1024

    /// The task that answers.
    let task: TaskID
    /// Who closes the connection of a client that does not take its answer.
    let deadlines: ConnectionDeadlines
    /// Counts requests.
    let metrics: HTTPMetrics

    func handle(
        _ request: Request, context unnamed: ChatRequestContext,
        next: (Request, ChatRequestContext) async throws -> Response
    ) async throws -> Response {
        let began = ContinuousClock.now
        let id = RequestID.sent(with: request) ?? unnamed.id
        let context = unnamed.named(id)
        var response = try await RequestName.$current.withValue(id) { try await next(request, context) }
        response.headers[.servedBy] = task.rawValue
        response.headers[.requestID] = id
        response.headers[.contentTypeOptions] = "nosniff"
        metrics.record(
            request.method, context.routeTemplate, status: Int(response.status.code), since: began)
        if response.body.contentLength == nil {
            let status = response.status
            log(request, context, status, began, bytes: nil, "stream begun")
            response.body = counted(response.body) { bytes in
                log(request, context, status, began, bytes: bytes, "stream ended")
            }
        } else {
            log(request, context, response.status, began, bytes: response.body.contentLength, "request")
            response.body = limited(response.body, context)
        }
        return response
    }

    /// The path as it was routed, never as it was sent: what is sent may be anything, a key among others.
    private func log(
        _ request: Request, _ context: ChatRequestContext, _ status: HTTPResponse.Status,
        _ began: ContinuousClock.Instant, bytes: Int?, _ message: Logger.Message
    ) {
        var metadata: Logger.Metadata = [
            "method": "\(request.method.rawValue.prefix(16))",
            "route": .string(context.routeTemplate ?? "none"),
            "status": "\(status.code)",
            "duration_ms": "\((ContinuousClock.now - began).milliseconds)",
        ]
        if let bytes { metadata["bytes"] = "\(bytes)" }
        if let session = context.record.session { metadata["session"] = .string(session.short) }
        if let conversation = context.record.conversation, !conversation.rawValue.hasPrefix("stoa_") {
            metadata["conversation"] = .string(conversation.rawValue)
        }
        // What asks every second whether all is well is of interest only when it is not.
        let isProbe = context.routeTemplate.map(AdmissionMiddleware.probes.contains) ?? false
        context.logger.log(level: isProbe && status == .ok ? .debug : .info, message, metadata: metadata)
    }

    private func counted(_ body: ResponseBody, atEnd: @escaping @Sendable (Int) -> Void) -> ResponseBody {
        ResponseBody { writer in
            let bytes = ByteCount()
            defer { atEnd(bytes.value) }
            try await body.write(CountingWriter(writer: writer, bytes: bytes))
        }
    }

    /// Hummingbird writes a body as one piece and waits until it is taken, however long that is.
    private func limited(_ body: ResponseBody, _ context: ChatRequestContext) -> ResponseBody {
        guard let length = body.contentLength, length > Self.pieceBytesMax else { return body }
        return ResponseBody(contentLength: length) { writer in
            try await body.write(
                PiecewiseWriter(
                    writer: writer, channel: context.channel, deadlines: deadlines,
                    pieceBytesMax: Self.pieceBytesMax))
        }
    }
}

extension HTTPField.Name {
    /// Static names are valid; `HTTPField.Name` cannot know that at compile time.
    private static func known(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else { preconditionFailure("not a header's name: \(name)") }
        return name
    }

    static let servedBy = known("X-Served-By")
    static let requestID = known("X-Request-Id")
    static let contentTypeOptions = known("X-Content-Type-Options")
    static let accelBuffering = known("X-Accel-Buffering")
    static let lastEventID = known("Last-Event-ID")
    static let referrerPolicy = known("Referrer-Policy")
    static let openerPolicy = known("Cross-Origin-Opener-Policy")
}
