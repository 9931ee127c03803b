/// How many tokens a text will be, without the tokenizer of its model.
///
/// A token is counted for every three bytes of ASCII and every two of any other text, and eight for what a
/// chat template puts around a message. That is too many for English prose and code (which take four and
/// three bytes a token) and about right for the languages of Europe and East Asia with the vocabularies of
/// large models. It is cautious because a prompt that does not fit costs the whole answer, and one that is
/// cut early only its oldest turn. Small English vocabularies break other scripts into more; there
/// ``ModelPrompt/shortened()`` helps.
package enum TokenEstimate {
    private static let asciiBytesPerToken = 3
    private static let otherBytesPerToken = 2
    private static let tokensPerMessage = 8

    /// Tokens of a text.
    package static func tokens(of text: String) -> Int {
        var ascii = 0, other = 0
        for byte in text.utf8 { if byte < 0x80 { ascii += 1 } else { other += 1 } }
        return (ascii + asciiBytesPerToken - 1) / asciiBytesPerToken
            + (other + otherBytesPerToken - 1) / otherBytesPerToken
    }

    /// Tokens of a message with what stands around it.
    package static func tokens(of message: ModelPrompt.Message) -> Int {
        tokens(of: message.text) + tokensPerMessage
    }
}
