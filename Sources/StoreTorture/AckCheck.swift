package import ChatCore

/// Looks for everything that workers were told, after they ended, and for what must not be there.
///
/// Each conversation is an append-only list: what was acknowledged is in it once, at the position that was
/// told, whole; positions have no gap; prompts alternate with their answers; each client's prompts stand in
/// the order it sent them; nothing that was refused is there; the storage itself is sound.
package struct AckCheck: Sendable {
    private let acks: [Ack]
    private let isKilled: Bool

    /// - Parameter isKilled: a worker was killed, or is taken to have been: answers may still run.
    package init(_ acks: [Ack], isKilled: Bool) {
        self.acks = acks
        self.isKilled = isKilled
    }

    /// What a check found.
    package struct Verdict: Sendable {
        /// What workers were told, in all.
        package var acknowledged = 0
        /// Messages that are there.
        package var messages = 0
        /// Sessions that workers wrote to.
        package var sessions = 0
        /// Sessions that nobody can read any more; all that was acknowledged in them is lost.
        package var lostSessions = 0
        /// Acknowledged, and not there.
        package var lost = 0
        /// There twice, or at another place than was told.
        package var misplaced = 0
        /// Refused, and there all the same.
        package var kept = 0
        /// A sentence for each thing that is wrong, those counted above among them.
        package var faults = [String]()

        /// All of it, for people and for `name=number` readers.
        package var line: String {
            """
            \(faults.isEmpty ? "sound" : "BROKEN"): acknowledged=\(acknowledged) messages=\(messages) \
            lost=\(lost) lost_sessions=\(lostSessions) misplaced=\(misplaced) refused_but_kept=\(kept) \
            faults=\(faults.count)
            """
        }
    }

    /// Reads everything back.
    /// - Throws: when the store does not answer for a minute.
    package func run(on store: any SessionStore) async throws -> Verdict {
        var verdict = Verdict()
        var unreadable = Set<SessionID>()
        verdict.sessions = Set(acks.map(\.conversation.session)).count
        for (conversation, acks) in Dictionary(grouping: acks, by: \.conversation) {
            do {
                let messages = try await persist { try await store.allMessages(in: conversation) }
                check(messages, against: acks, &verdict)
            } catch let error as ChatError where error.code == .internal {
                let told = acks.count { $0.kind != .refused }
                verdict.acknowledged += told
                verdict.lost += told
                if unreadable.insert(conversation.session).inserted {
                    verdict.lostSessions += 1
                    verdict.faults.append("a session cannot be read any more: \(error.message)")
                }
            }
        }
        return verdict
    }

    private func check(_ messages: [Message], against acks: [Ack], _ verdict: inout Verdict) {
        verdict.messages += messages.count
        var known = [MessageID: Message]()
        for message in messages where known.updateValue(message, forKey: message.id) != nil {
            verdict.misplaced += 1
            verdict.faults.append("\(message.id) is there twice")
        }
        if messages.map(\.position) != Array(1..<messages.count + 1) {
            verdict.faults.append("positions have gaps in \(messages.first?.id.rawValue ?? "a conversation")")
        }
        let interrupted = Set(acks.filter { $0.kind == .interrupted }.map(\.message))
        for ack in acks { check(ack, known[ack.message], interrupted, &verdict) }
        checkOrder(messages, interrupted, &verdict)
    }

    private func check(
        _ ack: Ack, _ message: Message?, _ interrupted: Set<MessageID>, _ verdict: inout Verdict
    ) {
        if ack.kind == .refused {
            guard message != nil else { return }
            verdict.kept += 1
            return verdict.faults.append("\(ack.message) was refused and is there")
        }
        verdict.acknowledged += 1
        guard let message else {
            verdict.lost += 1
            return verdict.faults.append("an acknowledged \(ack.kind.rawValue) is lost: \(ack.message)")
        }
        if message.position != ack.position {
            verdict.misplaced += 1
            verdict.faults.append("\(ack.message) is at \(message.position), told was \(ack.position)")
        }
        if ack.kind == .answer && (message.state != .complete || interrupted.contains(message.id)) {
            verdict.faults.append("\(ack.message) was acknowledged as complete and is \(message.state)")
        }
    }

    /// Prompts alternate with their answers, whose text is whole or a beginning, and each client's prompts
    /// are in the order it sent them.
    private func checkOrder(
        _ messages: [Message], _ interrupted: Set<MessageID>, _ verdict: inout Verdict
    ) {
        var last = [Substring: Int]()
        for (index, message) in messages.enumerated() where message.role == .user {
            let words = message.text.split(separator: " ")
            let number = Int(words[1]) ?? 0
            if number <= last[words[0], default: 0] {
                verdict.faults.append("\(message.id): \(words[0])'s prompts are out of order")
            }
            last[words[0]] = number
            guard index + 1 < messages.count, messages[index + 1].prompt == message.id else {
                verdict.faults.append("\(message.id) is not followed by its answer")
                continue
            }
            let answer = messages[index + 1]
            let text = HammerClient.answer(to: message.id, bytes: Int(words[2]) ?? 0)
            let isWhole = answer.state == .complete
            if isWhole ? answer.text != text : !text.hasPrefix(answer.text) {
                verdict.faults.append("\(answer.id) does not say what was written")
            }
            if !isWhole && !isKilled && !interrupted.contains(answer.id) {
                verdict.faults.append("\(answer.id) is \(answer.state) although nobody died")
            }
        }
    }
}

extension SessionStore {
    /// Every message of a conversation, in ascending order; none when the conversation does not exist.
    fileprivate func allMessages(in reference: ConversationReference) async throws -> [Message] {
        var messages = [Message]()
        var before: Int?
        repeat {
            do {
                let page = try await conversation(
                    reference.conversation, of: reference.session, before: before,
                    limit: Limits.messagesPageMax)
                messages = page.messages + messages
                before = page.earlier
            } catch let error as ChatError where error.code == .notFound || error.code == .unauthorized {
                return []
            }
        } while before != nil
        return messages
    }
}
