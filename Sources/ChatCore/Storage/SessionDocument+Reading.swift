// What searches and exports read of a session as a value.
extension SessionDocument {
    /// See ``SessionReading/texts(of:from:bounds:)``.
    package func texts(from place: SearchPlace?, bounds: ReadBounds) -> SearchStretch {
        var meter = ReadMeter(bounds)
        var parts: [SearchStretch.Part] = []
        for document in newestFirst(from: place) {
            if meter.isSpent, let last = parts.last {
                return SearchStretch(parts: parts, next: SearchPlace(after: last.conversation))
            }
            let conversation = document.conversation
            let isContinued = place.map { $0.before > 0 && $0.id == conversation.id } ?? false
            var part = SearchStretch.Part(conversation: conversation, isContinued: isContinued)
            if !isContinued { meter.count(conversation.searchedBytes) }
            let before = isContinued ? place?.before ?? .max : .max
            for message in document.shown.reversed() where message.position < before {
                if meter.isSpent {
                    parts.append(part)
                    let next = SearchPlace(
                        updated: conversation.updated, id: conversation.id, before: message.position + 1)
                    return SearchStretch(parts: parts, next: next)
                }
                meter.count(message.text.utf8.count)
                part.messages.append(
                    SearchStretch.Text(
                        message: SearchedMessage(
                            id: message.id, role: message.role, position: message.position),
                        text: message.text))
            }
            parts.append(part)
        }
        return SearchStretch(parts: parts, next: nil)
    }

    private func newestFirst(from place: SearchPlace?) -> [ConversationDocument] {
        conversations.filter { document in
            guard let place else { return true }
            return place.isBefore(document.conversation)
                || (place.before > 0 && place.id == document.conversation.id
                    && place.updated == document.conversation.updated)
        }.sorted { SearchPlace(after: $0.conversation).isBefore($1.conversation) }
    }

    /// See ``SessionReading/transcripts(of:in:after:bounds:)``.
    package func transcripts(of ids: [ConversationID], after position: Int, bounds: ReadBounds)
        -> TranscriptStretch
    {
        var meter = ReadMeter(bounds)
        var parts: [TranscriptStretch.Part] = []
        for (index, id) in ids.enumerated() {
            guard let document = try? conversation(id) else { continue }
            if meter.isSpent, !parts.isEmpty {
                return TranscriptStretch(parts: parts, next: .init(conversations: index, position: 0))
            }
            let part = document.transcript(after: index == 0 ? position : 0, &meter)
            parts.append(part)
            if !part.isWhole {
                let last = part.entries.last?.message.position ?? position
                return TranscriptStretch(parts: parts, next: .init(conversations: index, position: last))
            }
        }
        return TranscriptStretch(parts: parts, next: nil)
    }
}

extension ConversationDocument {
    fileprivate func transcript(after position: Int, _ meter: inout ReadMeter) -> TranscriptStretch.Part {
        let path = branching?.path
        let leaf = branching?.leaf ?? nextPosition - 1
        var ids: [Int: MessageID] = [:]
        for message in messages { ids[message.position] = message.id }
        var part = TranscriptStretch.Part(conversation: conversation, shown: ids[leaf])
        for message in messages where message.position > position {
            if meter.isSpent { return part }
            meter.count(message.said.bytes)
            let parent = branching?.parent(of: message.position) ?? message.position - 1
            part.entries.append(
                TranscriptStretch.Entry(
                    message: message, follows: ids[parent],
                    isShown: path?.contains { $0.contains(message.position) } ?? true))
        }
        // After its messages, so that a stretch has at least one.
        meter.count(0)
        part.isWhole = true
        return part
    }
}
