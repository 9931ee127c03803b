import ChatCore

/// An export as JSON, for programs and for another session: `ExportFile` in the contract.
///
/// Fields come in an order that a reader can use who keeps no more than one message: what the file is before
/// its conversations, and the message that is shown last behind the messages.
struct JSONExport: ExportWriter {
    /// What the file says it is.
    static let format = "stoa-export"
    /// The version of the format that is written.
    static let version = 1

    private let time: Timestamp
    private var open: ConversationID?
    private var isFirstConversation = true
    private var isFirstMessage = true
    /// The last shown message that was written, and the one that is shown last.
    private var lastShown: MessageID?

    init(at time: Timestamp) { self.time = time }

    func begin() -> [UInt8] {
        let head = JSONValue.fields([
            "format": .string(Self.format), "version": .count(Self.version), "exported_ms": time.json,
        ])
        return head.bytes.dropLast() + Array(#","conversations":["#.utf8)
    }

    mutating func add(_ part: TranscriptStretch.Part, to bytes: inout [UInt8]) {
        if open != part.conversation.id {
            close(&bytes, shown: lastShown)
            if !isFirstConversation { bytes += Array(",\n".utf8) }
            isFirstConversation = false
            bytes += part.conversation.exported.bytes.dropLast() + Array(#","messages":["#.utf8)
            open = part.conversation.id
            isFirstMessage = true
        }
        for entry in part.entries {
            bytes += Array((isFirstMessage ? "\n" : ",\n").utf8) + entry.exported.bytes
            isFirstMessage = false
            if entry.isShown { lastShown = entry.message.id }
        }
        if part.isWhole { close(&bytes, shown: isFirstMessage ? nil : part.shown ?? lastShown) }
    }

    mutating func end() -> [UInt8] {
        var bytes: [UInt8] = []
        // The conversation was deleted before its end was read.
        close(&bytes, shown: lastShown)
        return bytes + Array("]}\n".utf8)
    }

    private mutating func close(_ bytes: inout [UInt8], shown: MessageID?) {
        guard open != nil else { return }
        bytes += Array(#"],"shown":"#.utf8) + JSONValue.text(shown?.rawValue).bytes + Array("}".utf8)
        (open, lastShown) = (nil, nil)
    }
}

extension Conversation {
    /// As exports have it: what is its owner's, and nothing of where it was stored.
    fileprivate var exported: JSONValue {
        .fields([
            "id": .string(id.rawValue), "title": .string(title), "model": .text(model),
            "system_prompt": .text(systemPrompt), "pinned": .bool(isPinned), "created_ms": created.json,
            "updated_ms": updated.json,
        ])
    }
}

extension TranscriptStretch.Entry {
    fileprivate var exported: JSONValue {
        .fields([
            "id": .string(message.id.rawValue), "follows": .text(follows?.rawValue),
            "role": .string(message.role.rawValue), "reasoning": .string(message.reasoning),
            "text": .string(message.text),
            "state": .string(message.state.rawValue), "model": .text(message.model),
            "stop_reason": .text(message.stopReason), "error": message.failure.json,
            "usage": message.usage.json, "host": .text(message.owner?.host),
            "created_ms": message.created.json, "updated_ms": message.updated.json,
        ])
    }
}
