/// `~/.aws/config` or `~/.aws/credentials`: sections of `name = value`.
///
/// As AWS's Python library reads them: a comment is a line that begins with `#` or `;`, an indented line
/// belongs to the value above it (and is of no interest here), names are compared without case, the last of
/// two equal names counts.
struct SharedConfigFile: Equatable {
    /// In `config` a profile other than `default` is called `[profile name]`.
    enum Kind { case config, credentials }

    private(set) var profiles: [String: [String: String]] = [:]

    init(_ text: String, kind: Kind) {
        var profile: String?
        for line in text.split(omittingEmptySubsequences: true, whereSeparator: \.isNewline) {
            guard let first = line.first(where: { $0 != "\u{FEFF}" }), !first.isWhitespace,
                first != "#", first != ";"
            else { continue }
            if first == "[" {
                profile = Self.profile(line.drop { $0 != "[" }.dropFirst().prefix { $0 != "]" }, kind)
                if let profile { profiles[profile] = profiles[profile] ?? [:] }
            } else if let profile, let equals = line.firstIndex(of: "=") {
                let name = Self.trimmed(line[..<equals]).lowercased()
                profiles[profile]?[name] = Self.trimmed(line[line.index(after: equals)...])
            }
        }
    }

    /// The profile's name in a section's; nil for sections of another kind (`sso-session`, `services`).
    private static func profile(_ section: Substring, _ kind: Kind) -> String? {
        let words = section.split(whereSeparator: \.isWhitespace)
        if kind == .credentials || words == ["default"] { return trimmed(section) }
        guard words.first == "profile", words.count > 1 else { return nil }
        let name = trimmed(trimmed(section).dropFirst("profile".count))
        return name.count > 1 && name.hasPrefix("\"") && name.hasSuffix("\"")
            ? String(name.dropFirst().dropLast()) : name
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var rest = Substring(text)
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
