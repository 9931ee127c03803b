import ChatCore

/// An export as Markdown, for people: what is shown, each message under a heading that says whose it is.
struct MarkdownExport: ExportWriter {
    private var open: ConversationID?
    private var isFirst = true

    func begin() -> [UInt8] { [] }

    mutating func add(_ part: TranscriptStretch.Part, to bytes: inout [UInt8]) {
        if open != part.conversation.id {
            if !isFirst { bytes += Array("\n---\n\n".utf8) }
            isFirst = false
            open = part.conversation.id
            bytes += Array(head(of: part.conversation).utf8)
        }
        for entry in part.entries where entry.isShown { bytes += Array(text(of: entry.message).utf8) }
        if part.isWhole { open = nil }
    }

    func end() -> [UInt8] { [] }

    private func head(of conversation: Conversation) -> String {
        let title = conversation.title.split(whereSeparator: \.isNewline).joined(separator: " ")
        var text = "# \(title.isEmpty ? "Conversation" : title)\n\n*\(conversation.created.utcText)*\n"
        if let systemPrompt = conversation.systemPrompt, !systemPrompt.isEmpty {
            let lines = systemPrompt.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            text += "\n" + lines.map { $0.isEmpty ? ">" : "> \($0)" }.joined(separator: "\n") + "\n"
        }
        return text
    }

    private func text(of message: Message) -> String {
        let who = message.role == .user ? "You" : message.model ?? "Assistant"
        var text = "\n## \(who) · \(message.created.utcText)\(Self.note(on: message))\n\n\(message.text)\n"
        if let failure = message.failure { text += "\n*\(failure.message)*\n" }
        return text
    }

    private static func note(on message: Message) -> String {
        switch message.state {
        case .complete: ""
        case .running: " · still running"
        case .stopped: " · stopped"
        case .interrupted: " · interrupted"
        case .failed: " · failed"
        }
    }
}
