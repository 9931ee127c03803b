import ChatCore
import HTTPTypes
import Hummingbird
import NIOCore

/// Reads JSON bodies within their bounds.
struct BodyReader: Sendable {
    /// The longest body, in bytes.
    let bytesMax: Int
    /// The longest body that carries a prompt, in bytes.
    let messageBytesMax: Int
    /// Who closes the connection of a client that takes too long.
    let deadlines: ConnectionDeadlines

    /// The fields of the body.
    /// - Throws: ``RequestFault/unsupportedMediaType``, ``ChatError/Code/tooLarge`` (by the announced length
    ///   before anything is read, else as soon as more arrived than is allowed), ``ChatError/Code/invalid``.
    func fields(of request: Request, _ context: ChatRequestContext, isMessage: Bool = false) async throws
        -> JSONFields
    {
        guard Self.isJSON(request.headers[.contentType]) else { throw RequestFault.unsupportedMediaType }
        let bytesMax = isMessage ? messageBytesMax : bytesMax
        let tooLarge = ChatError(.tooLarge, "The body is longer than \(bytesMax) bytes.")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > bytesMax {
            throw tooLarge
        }

        let bytes = try await deadlines.limit(context.channel) {
            var bytes: [UInt8] = []
            for try await part in request.body {
                guard bytes.count + part.readableBytes <= bytesMax else { throw tooLarge }
                bytes += part.readableBytesView
            }
            return bytes
        }
        // A connection that ends early ends the body without a word.
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length != bytes.count {
            throw ChatError(.invalid, "The body ended early.")
        }
        return try JSONFields(bytes)
    }

    static func isJSON(_ type: String?) -> Bool {
        guard let type else { return false }
        let parts = type.lowercased().split(separator: ";").map { part in
            part.filter { $0 != " " && $0 != "\t" && $0 != "\"" }
        }
        return parts.first == "application/json"
            && parts.dropFirst().allSatisfy { !$0.hasPrefix("charset=") || $0 == "charset=utf-8" }
    }
}
