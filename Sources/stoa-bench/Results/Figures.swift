/// Numbers for people.
enum Figures {
    /// Three digits that count, no more: 1,234 · 123 · 12.3 · 1.23 · 0.12.
    static func short(_ value: Double) -> String {
        guard value.isFinite else { return "–" }
        switch abs(value) {
        case 0: return "0"
        case 100...: return grouped(Int(value.rounded()))
        case 10..<100: return decimals(value, 1)
        default: return decimals(value, 2)
        }
    }

    /// Microseconds as milliseconds.
    static func milliseconds(_ microseconds: Double) -> String { short(microseconds / 1_000) }

    /// 1,234,567.
    static func grouped(_ value: Int) -> String {
        var digits = String(abs(value))
        var groups = [String]()
        while digits.count > 3 {
            groups.insert(String(digits.suffix(3)), at: 0)
            digits.removeLast(3)
        }
        return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
    }

    /// So many decimals, always.
    static func decimals(_ value: Double, _ count: Int) -> String {
        let scale = (0..<count).reduce(1.0) { power, _ in power * 10 }
        let scaled = Int((abs(value) * scale).rounded())
        let whole = scaled / Int(scale)
        let rest = String(scaled % Int(scale))
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard count > 0 else { return sign + grouped(whole) }
        return "\(sign)\(whole).\(String(repeating: "0", count: count - rest.count))\(rest)"
    }
}
