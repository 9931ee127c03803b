import ChatCore
import NIOCore

/// One event of a stream, as text/event-stream has it.
struct ServerSentEvent: Sendable {
    /// What the page hears.
    let name: String
    /// JSON of one line: the writer of ``JSONValue`` leaves no line end in it, so one `data:` line is enough.
    let data: JSONValue
    /// Where a reader goes on that has seen this event.
    let cursor: Cursor

    /// A comment: keeps connections alive that proxies cut when they are silent.
    static let beat = ByteBuffer(string: ": beat\n\n")

    /// The frame.
    var bytes: ByteBuffer {
        let data = data.bytes
        var buffer = ByteBuffer()
        buffer.reserveCapacity(data.count + 64)
        buffer.writeString("id: \(cursor)\nevent: \(name)\ndata: ")
        buffer.writeBytes(data)
        buffer.writeString("\n\n")
        return buffer
    }
}

extension ServerSentEvent {
    /// A message was made or changed.
    static func message(_ message: Message, blocks: [String]?, cursor: Cursor) -> ServerSentEvent {
        ServerSentEvent(
            name: "message", data: .fields(["message": message.json(blocks: blocks)]), cursor: cursor)
    }

    /// The running answer grew; `whole` is its text up to the growth's end.
    static func delta(
        _ growth: AnswerGrowth, whole: String, change: AnswerRendering.Change?, cursor: Cursor
    ) -> ServerSentEvent {
        let text = growth.said.text
        var fields = [
            JSONValue.Field(name: "message", value: .string(growth.message.rawValue)),
            JSONValue.Field(name: "offset", value: .count(whole.utf8.count - text.utf8.count)),
            JSONValue.Field(name: "text", value: .string(text)),
        ]
        if !growth.said.reasoning.isEmpty {
            fields.append(JSONValue.Field(name: "reasoning", value: .string(growth.said.reasoning)))
        }
        if let change {
            fields += [
                JSONValue.Field(name: "from_block", value: .count(change.fromBlock)),
                JSONValue.Field(name: "blocks", value: .array(change.blocks.map(JSONValue.string))),
            ]
        }
        return ServerSentEvent(name: "delta", data: .object(fields), cursor: cursor)
    }

    /// Title, model, counts or the running answer changed.
    static func conversation(_ conversation: Conversation, cursor: Cursor) -> ServerSentEvent {
        ServerSentEvent(
            name: "conversation", data: .fields(["conversation": conversation.json]), cursor: cursor)
    }

    /// A session's newest conversations.
    static func list(_ conversations: [Conversation], isMore: Bool, cursor: Cursor) -> ServerSentEvent {
        ServerSentEvent(
            name: "list",
            data: .fields([
                "conversations": .array(conversations.map(\.json)), "more": .bool(isMore),
            ]), cursor: cursor)
    }

    /// A conversation was deleted.
    static func removed(_ id: ConversationID, cursor: Cursor) -> ServerSentEvent {
        ServerSentEvent(name: "removed", data: .fields(["id": .string(id.rawValue)]), cursor: cursor)
    }

    /// What was seen is void.
    /// - Parameter earlier: where the messages begin that follow, when they are only the last page.
    static func reset(earlier: Int?, cursor: Cursor) -> ServerSentEvent {
        ServerSentEvent(name: "reset", data: .fields(["earlier": .count(earlier)]), cursor: cursor)
    }

    /// What was seen behind a position is void: alternatives of it are shown now.
    static func drop(after position: Int, cursor: Cursor) -> ServerSentEvent {
        ServerSentEvent(name: "drop", data: .fields(["after": .count(position)]), cursor: cursor)
    }

    /// `gone` or `restart`, which say all by their name.
    static func bare(_ name: String, cursor: Cursor) -> ServerSentEvent {
        ServerSentEvent(name: name, data: .object([]), cursor: cursor)
    }

    /// The stream ends because of `problem`.
    static func error(_ problem: Problem, cursor: Cursor) -> ServerSentEvent {
        ServerSentEvent(name: "error", data: problem.json, cursor: cursor)
    }
}
