package import ChatCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One line of an acks file: something that a worker was told.
package struct Ack: Sendable {
    /// What it was told.
    package enum Kind: String, Sendable {
        /// Stored, at this position.
        case prompt, answer, interrupted
        /// Not stored: the call failed, and not in a way after which it may be stored all the same.
        case refused
    }

    package let kind: Kind
    package let conversation: ConversationReference
    package let message: MessageID
    /// 0 of what was refused.
    package let position: Int

    /// As it stands in the file.
    package var line: String {
        [
            kind.rawValue, conversation.session.hexadecimal, conversation.conversation.rawValue,
            message.rawValue, "\(position)",
        ].joined(separator: " ")
    }

    package init(_ kind: Kind, _ message: MessageID, in conversation: ConversationReference, at position: Int)
    {
        self.kind = kind
        self.message = message
        self.conversation = conversation
        self.position = position
    }

    /// The lines of the file at `path`.
    /// - Throws: for a line that is none; the last one, of a worker that was killed, may be cut short, so it
    ///   is left out unless it ends with a newline.
    package static func read(_ path: String) throws -> [Ack] {
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        return try text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 5, let kind = Kind(rawValue: words[0]), let position = Int(words[4]),
                let session = SessionID(hexadecimal: words[1])
            else { throw Malformed(what: "a line of \(path) is no acknowledgement: \(line)") }
            let conversation = ConversationReference(
                session: session, conversation: ConversationID(uncheckedRawValue: words[2]))
            return Ack(kind, MessageID(uncheckedRawValue: words[3]), in: conversation, at: position)
        }
    }

    /// A file that is no acks file.
    package struct Malformed: Error, CustomStringConvertible {
        /// A sentence for people.
        package let what: String
        package var description: String { what }
    }
}
