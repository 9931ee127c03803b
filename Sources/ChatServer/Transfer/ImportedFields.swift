import ChatCore

/// The members of an object in an import, each taken by name and type.
struct ImportedFields {
    /// Names of members that a place may show.
    static let known: Set<String> = [
        "format", "version", "exported_ms", "conversations", "id", "title", "model", "system_prompt",
        "pinned", "created_ms", "updated_ms", "messages", "shown",
    ]

    private let members: [String: JSONValue]

    init(_ members: [String: JSONValue]) { self.members = members }

    /// - Throws: ``ImportFault`` when it is no object.
    init(_ value: JSONValue) throws {
        guard case .object(let fields) = value else { throw ImportFault("", "must be an object") }
        members = Dictionary(fields.map { ($0.name, $0.value) }) { first, _ in first }
    }

    // MARK: Wholes

    /// A conversation without its messages.
    /// - Throws: ``ImportFault``.
    func conversation() throws -> Conversation {
        Conversation(
            id: try id("id", ConversationID.self), title: try string("title"), model: try nullable("model"),
            systemPrompt: try nullable("system_prompt"), isPinned: try flag("pinned"),
            created: try time("created_ms"), updated: try time("updated_ms"))
    }

    /// A message.
    /// - Throws: ``ImportFault``.
    func message() throws -> ImportedMessage {
        guard let role = Message.Role(rawValue: try string("role")) else {
            throw ImportFault("role", "must be `user` or `assistant`")
        }
        guard let state = Message.State(rawValue: try string("state")) else {
            let names = Message.State.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
            throw ImportFault("state", "must be one of \(names)")
        }
        var message = ImportedMessage(
            id: try id("id", MessageID.self), follows: try optionalID("follows"), role: role,
            text: try string("text"), state: state, created: try time("created_ms"),
            updated: try time("updated_ms"))
        message.reasoning = try nullable("reasoning") ?? ""
        message.model = try nullable("model")
        message.stopReason = try nullable("stop_reason")
        message.host = try nullable("host")
        message.failure = try object("error").map { fields in
            Message.Failure(code: try fields.string("code"), message: try fields.string("message"))
        }
        message.usage = try object("usage").map { fields in
            Message.Usage(
                inputTokens: try fields.whole("input_tokens"),
                outputTokens: try fields.whole("output_tokens"))
        }
        return message
    }

    // MARK: Members

    /// An id that is needed.
    func id<ID: ClientChosenID>(_ name: String, _ type: ID.Type) throws -> ID {
        guard let id = ID(rawValue: try string(name)) else { throw ImportFault(name, "is no id") }
        return id
    }

    /// A message's id; nil for null and for nothing.
    func optionalID(_ name: String) throws -> MessageID? {
        guard let text = try nullable(name) else { return nil }
        guard let id = MessageID(rawValue: text) else { throw ImportFault(name, "is no id") }
        return id
    }

    private func string(_ name: String) throws -> String {
        switch members[name] {
        case .string(let text)?: return text
        case nil: throw ImportFault(name, "is missing")
        default: throw ImportFault(name, "must be a string")
        }
    }

    private func nullable(_ name: String) throws -> String? {
        switch members[name] {
        case nil, .null: return nil
        case .string(let text): return text
        default: throw ImportFault(name, "must be a string or null")
        }
    }

    private func flag(_ name: String) throws -> Bool {
        switch members[name] {
        case nil: return false
        case .bool(let value): return value
        default: throw ImportFault(name, "must be true or false")
        }
    }

    private func time(_ name: String) throws -> Timestamp {
        Timestamp(milliseconds: Int64(try whole(name)))
    }

    private func whole(_ name: String) throws -> Int {
        guard case .integer(let value)? = members[name], let whole = Int(exactly: value) else {
            throw ImportFault(name, "must be a whole number")
        }
        return whole
    }

    private func object(_ name: String) throws -> ImportedFields? {
        switch members[name] {
        case nil, .null: return nil
        case .object(let fields)?:
            return ImportedFields(Dictionary(fields.map { ($0.name, $0.value) }) { first, _ in first })
        default: throw ImportFault(name, "must be an object or null")
        }
    }
}
