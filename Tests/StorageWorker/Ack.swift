import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One line of an acks file: something that a worker was told.
struct Ack {
    enum Kind: String {
        /// Stored, at this position.
        case prompt, answer, interrupted
        /// Not stored: the call failed, and not in a way after which it may be stored all the same.
        case refused
    }

    let kind: Kind
    let conversation: ConversationReference
    let message: MessageID
    /// 0 of what was refused.
    let position: Int

    var line: String {
        [
            kind.rawValue, conversation.session.hexadecimal, conversation.conversation.rawValue,
            message.rawValue, "\(position)",
        ].joined(separator: " ")
    }

    init(_ kind: Kind, _ message: MessageID, in conversation: ConversationReference, at position: Int) {
        self.kind = kind
        self.message = message
        self.conversation = conversation
        self.position = position
    }

    /// - Throws: for a line that is none; the last one, of a worker that was killed, may be cut short, so it
    ///   is left out unless it ends with a newline.
    static func read(_ path: String) throws -> [Ack] {
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        return try text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 5, let kind = Kind(rawValue: words[0]), let position = Int(words[4]),
                let session = SessionID(hexadecimal: words[1])
            else { throw Arguments.Malformed(what: "a line of \(path) is no acknowledgement: \(line)") }
            let conversation = ConversationReference(
                session: session, conversation: ConversationID(uncheckedRawValue: words[2]))
            return Ack(kind, MessageID(uncheckedRawValue: words[3]), in: conversation, at: position)
        }
    }
}
