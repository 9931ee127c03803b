import ChatCore

/// Reads an export (`ExportFile` in the contract) as it comes and hands each message on as soon as it is
/// whole, so that what is held is one message and a batch of them, however long the file is.
///
/// A mistake is told by its place, as `conversations[3].messages[12].follows`, and with nothing of what is
/// there. Members that are not known are passed over.
struct ImportReader<Source: JSONSource> {
    /// The longest message, as it is written: each byte of a text may be an escape of six.
    static var messageBytesMax: Int { 6 * (Limits.answerBytesMax + Limits.reasoningBytesMax) + 64 * 1024 }
    /// The longest of the other values: a system prompt.
    static var valueBytesMax: Int { 6 * Limits.systemPromptBytesMax + 1024 }
    private static var nameBytesMax: Int { 256 }
    private static var membersMax: Int { 64 }

    private var stream: JSONStream<Source>
    private var intake: ImportIntake
    private var place = ""

    init(_ source: Source, into intake: ImportIntake) {
        stream = JSONStream(source)
        self.intake = intake
    }

    /// Reads all of it.
    /// - Throws: ``ChatError`` with the place of a mistake, and what was imported before it; what the store
    ///   throws.
    mutating func run() async throws -> ImportIntake.Outcome {
        do {
            try await readFile()
            return intake.outcome
        } catch {
            await intake.giveUp()
            throw intake.explained(fault(error))
        }
    }

    private func fault(_ error: any Error) -> any Error {
        switch error {
        case let error as ImportFault: error.told(at: place)
        case let error as JSONStream<Source>.Failure:
            ImportFault("", error.reason, code: error.isTooLong ? .tooLarge : .invalid).told(at: place)
        default: error
        }
    }

    // MARK: Structure

    private mutating func readFile() async throws {
        try await stream.enter(.object)
        var names: Set<String> = []
        var head: [String: JSONValue] = [:]
        while try await stream.hasMember(.object) {
            let name = try await name(&names, in: "")
            if name == "conversations" {
                place = ""
                try Self.check(head)
                place = name
                try await readConversations()
            } else {
                head[name] = try await stream.value(bytesMax: Self.valueBytesMax)
            }
            place = ""
        }
        guard names.contains("conversations") else { throw ImportFault("conversations", "is missing") }
        try await stream.end()
    }

    private static func check(_ head: [String: JSONValue]) throws {
        guard head["format"] == .string(JSONExport.format) else {
            throw ImportFault("format", "must be `\(JSONExport.format)`, before the conversations")
        }
        guard head["version"] == .integer(Int64(JSONExport.version)) else {
            throw ImportFault("version", "must be \(JSONExport.version), before the conversations")
        }
    }

    private mutating func readConversations() async throws {
        try await stream.enter(.array)
        var index = 0
        while try await stream.hasMember(.array) {
            place = "conversations[\(index)]"
            guard index < Limits.conversationsPerSessionMax else {
                throw ImportFault(
                    "", "is more than the \(Limits.conversationsPerSessionMax) conversations of a session",
                    code: .limitReached)
            }
            try await readConversation(at: index)
            index += 1
        }
    }

    private mutating func readConversation(at index: Int) async throws {
        let own = place
        try await stream.enter(.object)
        var names: Set<String> = []
        var members: [String: JSONValue] = [:]
        intake.begin()
        while try await stream.hasMember(.object) {
            place = own
            let name = try await name(&names, in: own)
            if name == "messages" {
                if let id = members["id"] {
                    try await intake.name(try ImportedFields(["id": id]).id("id", ConversationID.self))
                }
                try await readMessages(in: own)
            } else {
                members[name] = try await stream.value(bytesMax: Self.valueBytesMax)
            }
        }
        place = own
        guard names.contains("messages") else { throw ImportFault("messages", "is missing") }
        let fields = ImportedFields(members)
        try await intake.end(try fields.conversation(), shown: try fields.optionalID("shown"))
    }

    private mutating func readMessages(in conversation: String) async throws {
        try await stream.enter(.array)
        var index = 0
        while try await stream.hasMember(.array) {
            place = "\(conversation).messages[\(index)]"
            let value = try await stream.value(bytesMax: Self.messageBytesMax)
            try await intake.add(try ImportedFields(value).message())
            index += 1
        }
        place = conversation
    }

    private mutating func name(_ names: inout Set<String>, in owner: String) async throws -> String {
        let name = try await stream.name(bytesMax: Self.nameBytesMax)
        guard names.insert(name).inserted else { throw ImportFault("", "has a member twice") }
        guard names.count <= Self.membersMax else {
            throw ImportFault("", "has more than \(Self.membersMax) members")
        }
        // The name is the client's, and is told only when it is one of the format's.
        if ImportedFields.known.contains(name) { place = owner.isEmpty ? name : "\(owner).\(name)" }
        return name
    }
}

extension ImportFault {
    /// What whoever sent it is told.
    fileprivate func told(at place: String) -> ChatError {
        let isNamed = field.isEmpty || place.hasSuffix(".\(field)") || place == field
        let path = [place, isNamed ? "" : field].filter { !$0.isEmpty }.joined(separator: ".")
        return ChatError(code, path.isEmpty ? "The file \(reason)." : "`\(path)` \(reason).")
    }
}
