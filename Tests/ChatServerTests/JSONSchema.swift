@testable import ChatServer

/// As much of JSON Schema as the document uses; fields that no schema names are faults.
struct JSONSchema {
    let document: JSONValue

    func fault(in value: JSONValue, _ schema: JSONValue, at path: String) -> String? {
        if case .string(let reference)? = schema["$ref"] {
            let target = reference.split(separator: "/").dropFirst().reduce(document as JSONValue?) {
                $0?[String($1)]
            }
            guard let target else { return "\(path): \(reference) does not exist" }
            return fault(in: value, target, at: path)
        }
        if case .array(let choices)? = schema["oneOf"] {
            return choices.contains { fault(in: value, $0, at: path) == nil }
                ? nil : "\(path): none of the choices"
        }
        let types: [JSONValue] =
            if case .array(let many)? = schema["type"] { many } else { schema["type"].map { [$0] } ?? [] }
        guard types.isEmpty || types.contains(.string(typeName(of: value))) else {
            return "\(path): type \(typeName(of: value))"
        }
        if case .array(let allowed)? = schema["enum"], !allowed.contains(value) {
            return "\(path): not in the list"
        }
        if case .array(let values) = value, let items = schema["items"] {
            return values.lazy.compactMap { fault(in: $0, items, at: path + "[]") }.first
        }
        guard case .object(let fields) = value, let properties = schema["properties"] else { return nil }
        if case .array(let required)? = schema["required"] {
            for case .string(let name) in required where value[name] == nil {
                return "\(path).\(name) is missing"
            }
        }
        for field in fields {
            guard let property = properties[field.name] else {
                return "\(path).\(field.name) is not documented"
            }
            if let fault = fault(in: field.value, property, at: "\(path).\(field.name)") { return fault }
        }
        return nil
    }

    private func typeName(of value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
