extension ConversationDocument {
    /// See ``SessionStore/changes(in:of:since:limit:)``.
    package func changes(since seen: Cursor, limit: Int) -> ConversationChanges? {
        let isReset =
            seen.version > conversation.version
            || (seen.version > 0 && seen.version < conversation.resetVersion)
        let seen = isReset ? .start : seen
        let limit = min(max(limit, 1), Limits.changesMax)
        if let after = branching?.voidedAfter(since: seen.version) {
            return replacement(after: after, since: seen, isReset: isReset, limit: limit)
        }
        let changed = messages.filter { $0.version > seen.version }.sorted { $0.version < $1.version }
        if changed.count > limit {
            let page = presented(Array(changed.prefix(limit)))
            return ConversationChanges(
                conversation: conversation, isReset: isReset, messages: page, growth: nil,
                cursor: Cursor(
                    version: page[limit - 1].version,
                    offset: page.last { $0.state == .running }?.said.bytes ?? 0))
        }
        var offset = 0
        var growth: AnswerGrowth?
        if let running {
            let length = running.said.bytes
            if running.version > seen.version {
                offset = length
            } else {
                offset = max(length, seen.offset)
                growth = running.growth(from: seen.offset)
            }
        }
        let now = Cursor(version: conversation.version, offset: offset)
        guard isReset || !changed.isEmpty || growth != nil || now.version != seen.version else { return nil }
        return ConversationChanges(
            conversation: conversation, isReset: isReset, messages: presented(changed), growth: growth,
            cursor: now)
    }

    /// What a reader is told that has seen messages which are no longer shown.
    private func replacement(after position: Int, since seen: Cursor, isReset: Bool, limit: Int)
        -> ConversationChanges
    {
        let fresh = shown.filter { $0.position > position || $0.version > seen.version }
        if !isReset, fresh.count <= limit {
            return ConversationChanges(
                conversation: conversation, isReset: false, droppedAfter: position,
                messages: presented(fresh), growth: nil, cursor: cursor)
        }
        let page = page(before: nil, limit: limit)
        return ConversationChanges(
            conversation: conversation, isReset: true, messages: page.messages, earlier: page.earlier,
            growth: nil, cursor: cursor)
    }
}

extension Message {
    /// What was said after `offset` bytes, or nil when nothing was or the offset is inside a character (which
    /// only a made-up cursor names).
    package func growth(from offset: Int) -> AnswerGrowth? {
        guard let gained = said.dropFirst(offset), !gained.isEmpty else { return nil }
        return AnswerGrowth(message: id, offset: offset, said: gained)
    }
}
