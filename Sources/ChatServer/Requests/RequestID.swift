import HTTPTypes
import Hummingbird

/// What the log calls a request.
enum RequestID {
    private static let charactersMax = 64
    private static let punctuation = Set("-_.:".utf8)

    /// The id that the client or a balancer gave it in `X-Request-Id`, if it is fit for a log: letters,
    /// digits, `-`, `_`, `.` and `:`, at most 64, and no key by mistake.
    static func sent(with request: Request) -> String? {
        let fields = request.headers[values: .requestID]
        guard let id = fields.first, fields.count == 1, (1...charactersMax).contains(id.utf8.count),
            id.utf8.allSatisfy({ isAlphanumeric($0) || punctuation.contains($0) }), !id.contains("stoa_")
        else { return nil }
        return id
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }
}
