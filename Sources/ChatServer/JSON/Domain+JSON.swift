import ChatCore

extension Session {
    /// As the contract has it.
    var json: JSONValue {
        .fields(["id": .string(id.hexadecimal), "short": .string(id.short), "created_ms": created.json])
    }
}

extension Conversation {
    /// As the contract has it.
    var json: JSONValue {
        .fields([
            "id": .string(id.rawValue), "title": .string(title), "model": .text(model),
            "system_prompt": .text(systemPrompt), "pinned": .bool(isPinned), "version": .count(version),
            "messages": .count(messageCount), "running": .bool(runningAnswer != nil),
            "created_ms": created.json, "updated_ms": updated.json,
        ])
    }
}

extension Message {
    /// As the contract has it; with `blocks` if there are any to tell.
    func json(blocks: [String]?) -> JSONValue {
        let json = JSONValue.fields([
            "id": .string(id.rawValue), "role": .string(role.rawValue), "position": .count(position),
            "text": .string(text), "reasoning": .string(reasoning), "state": .string(state.rawValue),
            "model": .text(model),
            "prompt": .text(prompt?.rawValue), "stop_reason": .text(stopReason),
            "error": failure.json, "usage": usage.json,
            "host": .text(owner?.host), "created_ms": created.json, "updated_ms": updated.json,
            "version": .count(version),
            "alternatives": .array(alternatives.map { .string($0.rawValue) }),
        ])
        guard let blocks, case .object(let fields) = json else { return json }
        return .object(
            fields + [JSONValue.Field(name: "blocks", value: .array(blocks.map(JSONValue.string)))])
    }
}

extension Message.Failure? {
    /// As the contract has it.
    var json: JSONValue {
        map { .fields(["code": .string($0.code), "message": .string($0.message)]) } ?? .null
    }
}

extension Message.Usage? {
    /// As the contract has it.
    var json: JSONValue {
        map { .fields(["input_tokens": .count($0.inputTokens), "output_tokens": .count($0.outputTokens)]) }
            ?? .null
    }
}

extension ModelDescriptor {
    /// As the contract has it.
    var json: JSONValue {
        .fields([
            "id": .string(id), "label": .string(label), "provider": .string(provider),
            "context_tokens": .count(contextTokensMax), "output_tokens_max": .count(outputTokensMax),
        ])
    }
}

extension Timestamp {
    var json: JSONValue { .integer(milliseconds) }
}
