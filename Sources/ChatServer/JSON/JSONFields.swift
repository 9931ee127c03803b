import ChatCore

/// The fields of a request's body, each taken by name and type.
///
/// What is wrong is said with the name of the field and nothing of its content. Fields nobody asked for are
/// left alone: a page of a newer version may send more during a rolling deployment.
struct JSONFields {
    private let object: JSONValue

    /// - Throws: ``ChatError/Code/invalid`` when `bytes` are not a JSON object.
    init(_ bytes: [UInt8]) throws {
        do {
            object = try JSONParser.value(of: bytes)
        } catch {
            throw ChatError(.invalid, "The body cannot be read: \(error.reason).")
        }
        guard case .object = object else { throw ChatError(.invalid, "The body must be a JSON object.") }
    }

    /// - Throws: ``ChatError/Code/invalid`` when it is missing or no string.
    func string(_ name: String) throws -> String {
        guard let text = try optionalString(name) else {
            throw ChatError(.invalid, "The field `\(name)` is missing.")
        }
        return text
    }

    /// Nil when it is missing.
    /// - Throws: ``ChatError/Code/invalid`` when it is anything but a string, null included.
    func optionalString(_ name: String) throws -> String? {
        switch object[name] {
        case nil: return nil
        case .string(let text): return text
        default: throw ChatError(.invalid, "The field `\(name)` must be a string.")
        }
    }

    /// Nil when it is missing, `.some(nil)` when it is null.
    /// - Throws: ``ChatError/Code/invalid`` when it is neither a string nor null.
    func nullableString(_ name: String) throws -> String?? {
        switch object[name] {
        case nil: return .none
        case .null: return .some(nil)
        case .string(let text): return .some(text)
        default: throw ChatError(.invalid, "The field `\(name)` must be a string or null.")
        }
    }

    /// A whole number that is not negative.
    /// - Throws: ``ChatError/Code/invalid`` when it is missing or anything else.
    func count(_ name: String) throws -> Int {
        guard case .integer(let value)? = object[name], let count = Int(exactly: value), count >= 0 else {
            throw ChatError(.invalid, "The field `\(name)` must be a whole number.")
        }
        return count
    }

    /// Nil when it is missing.
    /// - Throws: ``ChatError/Code/invalid`` when it is neither true nor false.
    func optionalBool(_ name: String) throws -> Bool? {
        switch object[name] {
        case nil: return nil
        case .bool(let value): return value
        default: throw ChatError(.invalid, "The field `\(name)` must be true or false.")
        }
    }
}
