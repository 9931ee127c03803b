/// A mistake in a catalogue, for the operator who wrote it.
struct CatalogueProblem: Error, Equatable, CustomStringConvertible {
    /// Counted from 1.
    var line: Int
    /// Such as `models[2].temperature`; empty for the document itself.
    var field: String
    var problem: String

    var description: String {
        field.isEmpty ? "line \(line): \(problem)" : "line \(line): \(field): \(problem)"
    }
}

/// One object of a catalogue: hands out its members by type, and says where it is when one is wrong.
struct CatalogueObject {
    private let members: [PositionedJSON.Member]
    private let line: Int
    private let field: String

    init(_ json: PositionedJSON, field: String) throws(CatalogueProblem) {
        guard case .object(let members) = json.value else {
            throw CatalogueProblem(
                line: json.line, field: field, problem: "wants an object, not \(json.noun)")
        }
        self.members = members
        line = json.line
        self.field = field
    }

    /// Refuses members that nobody will read.
    func allow(_ names: [String]) throws(CatalogueProblem) {
        for member in members where !names.contains(member.name) {
            throw CatalogueProblem(
                line: member.line, field: path(member.name),
                problem: "unknown; known are \(names.joined(separator: ", "))")
        }
    }

    /// A mistake in the member `name`, at its line or, if it is missing, at the object's.
    func problem(_ name: String, _ text: String) -> CatalogueProblem {
        let line = members.first { $0.name == name }?.value.line ?? line
        return CatalogueProblem(line: line, field: path(name), problem: text)
    }

    func array(_ name: String) throws(CatalogueProblem) -> (elements: [PositionedJSON], line: Int) {
        guard let json = member(name) else { throw problem(name, "is missing") }
        guard case .array(let elements) = json.value else {
            throw problem(name, "wants an array, not \(json.noun)")
        }
        return (elements, json.line)
    }

    func text(_ name: String, bytesMax: Int) throws(CatalogueProblem) -> String {
        guard let text = try optionalText(name, bytesMax: bytesMax) else { throw problem(name, "is missing") }
        return text
    }

    func optionalText(_ name: String, bytesMax: Int) throws(CatalogueProblem) -> String? {
        guard let json = member(name) else { return nil }
        guard case .string(let text) = json.value else {
            throw problem(name, "wants a string, not \(json.noun)")
        }
        guard (1...bytesMax).contains(text.utf8.count) else {
            throw problem(name, "wants 1 to \(bytesMax) bytes")
        }
        return text
    }

    func texts(_ name: String, countMax: Int, bytesMax: Int) throws(CatalogueProblem) -> [String] {
        guard member(name) != nil else { return [] }
        let elements = try array(name).elements
        guard elements.count <= countMax else { throw problem(name, "wants at most \(countMax) strings") }
        var texts: [String] = []
        for element in elements {
            guard case .string(let text) = element.value, (1...bytesMax).contains(text.utf8.count) else {
                throw CatalogueProblem(
                    line: element.line, field: path(name), problem: "wants strings of 1 to \(bytesMax) bytes")
            }
            texts.append(text)
        }
        return texts
    }

    func word(_ name: String, _ words: [String]) throws(CatalogueProblem) -> String {
        let text = try text(name, bytesMax: 100)
        guard words.contains(text) else { throw problem(name, "wants \(words.joined(separator: " or "))") }
        return text
    }

    func optionalWord<T: RawRepresentable<String> & CaseIterable>(
        _ name: String, _ type: T.Type
    ) throws(CatalogueProblem) -> T? {
        guard member(name) != nil else { return nil }
        return T(rawValue: try word(name, T.allCases.map(\.rawValue)))
    }

    func bool(_ name: String) throws(CatalogueProblem) -> Bool? {
        guard let json = member(name) else { return nil }
        guard case .bool(let value) = json.value else {
            throw problem(name, "wants true or false, not \(json.noun)")
        }
        return value
    }

    func number(_ name: String, _ range: ClosedRange<Double>) throws(CatalogueProblem) -> Double? {
        guard let json = member(name) else { return nil }
        guard case .number(let value) = json.value, range.contains(value) else {
            throw problem(name, "wants a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    func integer(_ name: String, _ range: ClosedRange<Int>) throws(CatalogueProblem) -> Int? {
        guard let json = member(name) else { return nil }
        guard case .number(let value) = json.value, let integer = Int(exactly: value), range.contains(integer)
        else {
            throw problem(name, "wants a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    /// The member; null counts as absent.
    private func member(_ name: String) -> PositionedJSON? {
        members.first { $0.name == name }.flatMap { $0.value.value == .null ? nil : $0.value }
    }

    private func path(_ name: String) -> String { field.isEmpty ? name : "\(field).\(name)" }
}
