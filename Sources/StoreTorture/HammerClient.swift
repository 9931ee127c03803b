import ChatCore

/// One client: begins turns, lets their answers grow, ends them, and stops or takes over now and then.
struct HammerClient: Sendable {
    let name: String
    let store: any SessionStore
    let sessions: [SessionID]
    let owner: AnswerOwner
    /// How long an answer is at least.
    let answerBytes: Int
    let log: AckLog
    let tally: Tally
    let report: @Sendable (String) -> Void

    /// What the answer to a prompt says, so that a reader can tell it from any other.
    static func answer(to prompt: MessageID, bytes: Int) -> String {
        let head = "re \(prompt) 😀 "
        let word = prompt.rawValue
        return head + String(repeating: word, count: max(5, bytes / word.utf8.count))
    }

    func run(until end: ContinuousClock.Instant) async {
        var number = 0
        while ContinuousClock.now < end {
            number += 1
            do {
                try await turn(number)
            } catch let error as ChatError where error.code == .fenced || error.code == .answerRunning {
                tally.count(error.code.rawValue)
            } catch {
                tally.count("error")
                report("error: \(error)")
                // What cannot be read at all fails at once: no reason to ask as fast as that.
                try? await Task.sleep(for: .milliseconds(10))
            }
        }
    }

    private func turn(_ number: Int) async throws {
        let session = sessions[number % sessions.count]
        // Every fourth turn where all clients of all workers meet.
        let isShared = number.isMultiple(of: 4)
        let conversation = ConversationID(uncheckedRawValue: isShared ? "shared" : name)
        let new = try NewConversation(id: conversation)
        if number <= 4 * sessions.count {
            _ = try await acknowledged { try await store.createConversation(new, in: session, at: .now()) }
        }
        let place = ConversationReference(session: session, conversation: conversation)
        // The length is in the prompt, so that a checker knows what the answer must be.
        let turn = try NewTurn(
            promptID: .random(), text: "\(name) \(number) \(answerBytes)", model: "none", owner: owner)
        do {
            let begun = try await acknowledged {
                try await store.beginTurn(turn, in: conversation, of: session, at: .now())
            }
            log.note(Ack(.prompt, turn.promptID, in: place, at: begun.prompt.position))
        } catch let error as ChatError where error.code != .busy && error.code != .unavailable {
            log.note(Ack(.refused, turn.promptID, in: place, at: 0))
            if error.code == .answerRunning { try await takeOver(place, number) }
            throw error
        }
        try await answer(turn, in: place)
    }

    private func answer(_ turn: NewTurn, in conversation: ConversationReference) async throws {
        let text = Self.answer(to: turn.promptID, bytes: answerBytes)
        let place = AnswerReference(conversation, message: turn.answerID)
        let head = String(text.prefix(6))
        _ = try await acknowledged {
            try await store.append(AnswerPart(owner: owner, offset: 0, text: head), to: place)
        }
        let tail = AnswerPart(owner: owner, offset: head.utf8.count, text: String(text.dropFirst(6)))
        let ended = try await acknowledged {
            try await store.finish(place, with: tail, end: AnswerEnd(state: .complete), at: .now())
        }
        log.note(Ack(.answer, turn.answerID, in: conversation, at: ended.position))
    }

    /// Interrupts what has been running in the shared conversation for too long: its worker may be dead.
    private func takeOver(_ conversation: ConversationReference, _ number: Int) async throws {
        let page = try await persist {
            try await store.conversation(
                conversation.conversation, of: conversation.session, before: nil, limit: 1)
        }
        guard let answer = page.messages.last, answer.state == .running, let owner = answer.owner,
            number.isMultiple(of: 16)
        else { return }
        let place = AnswerReference(conversation, message: answer.id)
        let isInterrupted = try await acknowledged {
            try await store.interrupt(place, ownedBy: owner, at: .now())
        }
        if isInterrupted {
            tally.count("interrupted")
            log.note(Ack(.interrupted, answer.id, in: conversation, at: answer.position))
        }
    }

    private func acknowledged<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws
        -> Value
    {
        let began = ContinuousClock.now
        let value = try await persist {
            do {
                return try await body()
            } catch let error as ChatError where error.code == .busy || error.code == .unavailable {
                tally.count(error.code.rawValue)
                if error.code == .unavailable { report("error: \(error)") }
                throw error
            }
        }
        tally.time(began.duration(to: .now))
        return value
    }
}
