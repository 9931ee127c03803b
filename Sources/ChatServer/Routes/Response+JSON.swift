import HTTPTypes
import Hummingbird

extension Response {
    /// An answer of the API. Nobody on the way may keep it: it is one session's.
    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: value.bytes)))
    }

    /// An answer of the API without content.
    static let noContent = Response(status: .noContent, headers: [.cacheControl: "no-store"])
}
