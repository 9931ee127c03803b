import ArgumentParser

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A setting by flag, else by environment variable, else by default.
///
/// A variable that is set but malformed is an error, never silently the default.
enum Setting {
    /// The process's environment.
    static let environment = ProcessInfo.processInfo.environment

    /// The value of a flag that was given, else of the environment variable `name`, else `fallback`.
    /// - Throws: `ValidationError` that names the variable.
    static func value<Value: ExpressibleByArgument>(
        _ flag: Value?, _ name: String, default fallback: @autoclosure () -> Value
    ) throws -> Value {
        try optional(flag, name) ?? fallback()
    }

    /// As ``value(_:_:default:)`` without a default.
    static func optional<Value: ExpressibleByArgument>(_ flag: Value?, _ name: String) throws -> Value? {
        if let flag { return flag }
        guard let text = environment[name], !text.isEmpty else { return nil }
        guard let value = Value(argument: text) else {
            throw ValidationError(
                "The environment variable \(name) is '\(text)', which is not a valid value.")
        }
        return value
    }

    /// A flag without a value: given, or set to `1`, `true` or `yes` in the environment.
    /// - Throws: `ValidationError` for any other text but `0`, `false` and `no`.
    static func isOn(_ flag: Bool, _ name: String) throws -> Bool {
        if flag { return true }
        switch environment[name]?.lowercased() {
        case nil, "", "0", "false", "no": return false
        case "1", "true", "yes": return true
        default: throw ValidationError("The environment variable \(name) must be 1 or 0.")
        }
    }

    /// Refuses a number outside its range, naming both.
    static func check<Number: Comparable>(_ number: Number, _ name: String, in range: ClosedRange<Number>)
        throws -> Number
    {
        guard range.contains(number) else {
            throw ValidationError(
                "\(name) must be from \(range.lowerBound) to \(range.upperBound), not \(number).")
        }
        return number
    }
}
