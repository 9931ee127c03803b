import ChatCore
import Testing

@testable import ChatServer

/// What a page knows after its events.
struct EventPage: Sendable {
    var texts: [String: String] = [:]
    var reasonings: [String: String] = [:]
    var blocks: [String: [String]] = [:]
    var states: [String: String] = [:]
    var positions: [String: Int] = [:]
    var cursor = ""
    var raw: [String] = []
    /// Prompt and answer are there, and the answer has ended.
    var isWhole: Bool { states.count == 2 && states.values.allSatisfy { $0 == "complete" } }

    mutating func take(_ event: EventSource.Event) throws {
        #expect(Cursor(event.id) != nil)
        cursor = event.id
        raw.append(event.raw)
        switch event.name {
        case "message":
            let id = try #require(event.data.text("message.id"))
            texts[id] = event.data.text("message.text")
            reasonings[id] = event.data.text("message.reasoning")
            states[id] = event.data.text("message.state")
            positions[id] = event.data.at("message.position")?.whole.map(Int.init)
            blocks[id] = Self.strings(event.data.at("message.blocks"))
        case "delta":
            let id = try #require(event.data.text("message"))
            guard case .integer(let offset)? = event.data.at("offset") else {
                throw LoopbackClient.Ended()
            }
            let known = try #require(texts[id])
            #expect(offset <= known.utf8.count, "no gap")
            texts[id] =
                String(decoding: known.utf8.prefix(Int(offset)), as: UTF8.self)
                + (event.data.text("text") ?? "")
            reasonings[id, default: ""] += event.data.text("reasoning") ?? ""
            if case .integer(let from)? = event.data.at("from_block") {
                #expect(from <= blocks[id, default: []].count)
                blocks[id] =
                    Array(blocks[id, default: []].prefix(Int(from)))
                    + Self.strings(event.data.at("blocks"))
            }
        case "reset":
            self = EventPage(cursor: event.id)
        case "drop":
            let after = try #require(event.data.at("after")?.whole)
            for (id, position) in positions where position > after {
                texts[id] = nil
                states[id] = nil
                blocks[id] = nil
                positions[id] = nil
            }
        default: break
        }
    }

    /// The texts in their order.
    var log: [String] {
        positions.sorted { $0.value < $1.value }.compactMap { texts[$0.key] }
    }

    static func strings(_ value: JSONValue?) -> [String] {
        guard case .array(let values)? = value else { return [] }
        return values.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    /// Reads until `isDone`.
    static func read(
        _ source: inout EventSource, into page: inout EventPage, until isDone: (EventPage) -> Bool
    ) async throws {
        while !isDone(page), let event = try await source.next() { try page.take(event) }
        #expect(isDone(page))
    }
}
