import ChatCore

/// What a downloaded export is called: a title and the day.
struct ExportName: Sendable {
    private static let charactersMax = 60
    private let text: String

    /// - Parameter title: may be anything; what file systems or headers object to becomes a hyphen.
    init(_ title: String, at time: Timestamp) {
        let safe = title.map { character -> Character in
            let isKept = character.isLetter || character.isNumber || character == "_"
            return isKept ? character : "-"
        }
        let words = String(safe).split(separator: "-").joined(separator: "-").prefix(Self.charactersMax)
        text = "\(words.isEmpty ? "conversation" : words)-\(time.utcDay)"
    }

    /// The value of `Content-Disposition` (RFC 6266), with the name in ASCII for clients that read no other.
    func disposition(suffix: String) -> String {
        let name = "\(text).\(suffix)"
        let plain = String(name.map { $0.isASCII ? $0 : "_" })
        var encoded = ""
        for byte in name.utf8 {
            if Base64URL.isCharacter(byte) || byte == UInt8(ascii: ".") {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(encoded)"
    }
}

extension Timestamp {
    /// As `2026-11-26`, in UTC.
    var utcDay: String { String(utcText.prefix { $0 != " " }) }

    /// As `2026-11-26 01:05 UTC`.
    var utcText: String {
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let minutes = milliseconds.flooredQuotient(60_000)
        let days = minutes.flooredQuotient(1_440)
        let minute = minutes - days * 1_440
        // Days to a date of the proleptic Gregorian calendar, in years that begin in March:
        // https://howardhinnant.github.io/date_algorithms.html#civil_from_days
        let shifted = days + 719_468
        let era = shifted.flooredQuotient(146_097)
        let ofEra = shifted - era * 146_097
        let year = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let date = ofYear - (153 * month + 2) / 5 + 1
        let isNextYear = month >= 10
        let day = "\(two(isNextYear ? month - 9 : month + 3))-\(two(date))"
        return """
            \(year + era * 400 + (isNextYear ? 1 : 0))-\(day) \(two(minute / 60)):\(two(minute % 60)) UTC
            """
    }
}

extension Int64 {
    fileprivate func flooredQuotient(_ divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
