import ChatCore
import ChatTesting
import NIOCore
import NIOHTTP1
import Testing

@testable import ChatServer

@Suite("Event streams", .timeLimit(.minutes(5)))
struct EventStreamTests {
    @Test("a stream begins at once, with the conversation and its last page")
    func start() async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            try await server.client.follow(path + "/events", key: key) { source in
                try await source.comment()
                #expect(source.head?.status == .ok)
                #expect(source.head?.headers.first(name: "Content-Type") == "text/event-stream")
                #expect(source.head?.headers.first(name: "Cache-Control") == "no-cache, no-transform")
                #expect(source.head?.headers.first(name: "X-Accel-Buffering") == "no")
                #expect(source.head?.headers.contains(name: "X-Served-By") == true)
                let event = try #require(try await source.next())
                #expect(event.name == "conversation" && event.id == "1.0")
                #expect(event.data.text("conversation.id") == "talk")
            }
            try await server.say("Hi", in: path, key: key)
            try await server.eventually("it ends") { server.task.runningAnswerCount == 0 }
            try await server.client.follow(path + "/events?render=html", key: key) { source in
                var page = EventPage()
                try await EventPage.read(&source, into: &page) { $0.states.count == 2 }
                #expect(page.texts["m1"] == "Hi")
                #expect(page.texts.values.contains("Hello world"))
                #expect(page.blocks.values.contains(["<p>Hello world</p>\n"]))
                #expect(page.cursor == "4.0")
            }
        }
    }

    @Test("reasoning comes apart from the text, and a reader resumes in the middle of it")
    func reasoning() async throws {
        let model = ScriptedModel([
            .reasoning("Hmö "), .gate, .reasoning("so."), .text("*Ja* "), .gate, .text("doch"),
        ])
        try await TestServer.run(model: model) { server in
            let (key, path) = try await server.conversation()
            try await server.say("Hi", in: path, key: key)
            var page = EventPage()
            for until in [("Hmö ", ""), ("Hmö so.", "*Ja* "), ("Hmö so.", "*Ja* doch")] {
                let seen = page
                page = try await server.client.follow(
                    path + "/events?render=html" + (seen.cursor.isEmpty ? "" : "&cursor=\(seen.cursor)"),
                    key: key
                ) { source in
                    var page = seen
                    try await EventPage.read(&source, into: &page) {
                        $0.reasonings.values.contains(until.0)
                            && (until.1.isEmpty || $0.texts.values.contains(until.1))
                    }
                    return page
                }
                if until.1.isEmpty { #expect(!page.texts.values.contains { $0.contains("Hm") }) }
                model.open()
            }
            #expect(page.blocks.values.contains(["<p><em>Ja</em> doch</p>\n"]))
            try await server.eventually("it ends") { server.task.runningAnswerCount == 0 }
            let answer = try await server.answer(in: path, key: key, untilState: "complete")
            #expect(answer.text("reasoning") == "Hmö so." && answer.text("text") == "*Ja* doch")
        }
    }

    @Test("an answer grows in front of its readers, and two of them see the same")
    func growth() async throws {
        let text = "# Title\n\nSome *text*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- one\n- two\n\nDone."
        let words = text.split(separator: " ", omittingEmptySubsequences: false).map {
            ScriptedModel.Step.text($0 + " ")
        }
        let steps = [.gate] + words.flatMap { [$0, ScriptedModel.Step.pause(.milliseconds(200))] }
        let model = ScriptedModel(steps)
        try await TestServer.run(model: model) { server in
            let (key, path) = try await server.conversation()
            try await server.say("Hi", in: path, key: key)
            let pages = try await withThrowingTaskGroup(of: EventPage.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        try await server.client.follow(path + "/events?render=html", key: key) { source in
                            var page = EventPage()
                            try await EventPage.read(&source, into: &page) { $0.isWhole }
                            return page
                        }
                    }
                }
                try await server.eventually("both read") { server.task.readerCount == 2 }
                try await Task.sleep(for: .milliseconds(100))
                model.open()
                return try await group.reduce(into: [EventPage]()) { $0.append($1) }
            }
            let answer = try #require(pages[0].texts.first { $0.key != "m1" })
            #expect(answer.value == text + " ")
            #expect(pages[0].blocks[answer.key] == AnswerRendering.whole(text + " "))
            #expect(pages[0].texts == pages[1].texts && pages[0].blocks == pages[1].blocks)
            #expect(pages[0].raw.last == pages[1].raw.last)
            #expect(pages[0].raw.count { $0.contains("event: delta") } >= 3)
        }
    }

    @Test("a reader that returns with Last-Event-ID in mid-answer goes on where it was")
    func resume() async throws {
        let lines = (1...40).map { "Line \($0) of *it*.\n\n" }
        let model = ScriptedModel(lines.flatMap { [.text($0), .pause(.milliseconds(40))] } + [.gate])
        try await TestServer.run(model: model) { server in
            let (key, path) = try await server.conversation()
            try await server.say("Hi", in: path, key: key)
            var page = EventPage()
            for _ in 0..<4 {
                let before = page
                page = try await server.client.follow(
                    path + "/events?render=html", key: key,
                    headers: before.cursor.isEmpty ? [] : [("Last-Event-ID", before.cursor)]
                ) { source in
                    var page = before
                    // Five events are more than the first ones: it leaves in the middle of the answer. On a
                    // busy machine there may be fewer, larger ones.
                    try await EventPage.read(&source, into: &page) {
                        $0.raw.count >= before.raw.count + 5 || $0.texts.values.contains(lines.joined())
                    }
                    return page
                }
                #expect(page.states.values.contains("running"))
            }
            model.open()
            let before = page
            page = try await server.client.follow(
                path + "/events?render=html&cursor=\(before.cursor)", key: key
            ) { source in
                var page = before
                try await EventPage.read(&source, into: &page) { $0.isWhole }
                return page
            }
            let answer = try #require(page.texts.first { $0.key != "m1" })
            #expect(answer.value == lines.joined())
            #expect(page.blocks[answer.key] == AnswerRendering.whole(lines.joined()))
            // Every event once: what was seen is not sent again.
            #expect(page.raw.count { $0.contains("event: message") && $0.contains("\"role\":\"user\"") } == 1)
        }
    }

    @Test(
        "a cursor that is malformed, or from another life, starts over",
        arguments: ["x", "1", "-1.0", "999999.0", "0.0", "3.1"])
    func strangeCursors(cursor: String) async throws {
        try await TestServer.run(model: ScriptedModel([.text("é…"), .gate])) { server in
            let (key, path) = try await server.conversation()
            try await server.say("Hi", in: path, key: key)
            try await server.client.follow(path + "/events", key: key, headers: [("Last-Event-ID", cursor)]) {
                source in
                var page = EventPage()
                page.texts["m1"] = "Hi"
                let answer =
                    try await server.client.send(.get, path, key: key).json.text("messages.1.id") ?? ""
                page.texts[answer] = "é…"
                try await EventPage.read(&source, into: &page) {
                    $0.texts[answer] == "é…" && !$0.raw.isEmpty
                }
            }
        }
    }

    @Test("a client that leaves frees its reader promptly")
    func disconnect() async throws {
        try await TestServer.run(model: ScriptedModel([.text("a"), .gate])) { server in
            let (key, path) = try await server.conversation()
            for _ in 0..<3 {
                try await server.client.follow(path + "/events", key: key) { source in
                    _ = try await source.next()
                    try await server.eventually("it reads") { server.task.readerCount == 1 }
                }
                let left = ContinuousClock.now
                try await server.eventually("it is freed") { server.task.readerCount == 0 }
                // The next heartbeat would find it, too.
                #expect(ContinuousClock.now - left < .seconds(5))
            }
            try await server.eventually("each end is logged") {
                server.logs.lines.count { $0.text.hasPrefix("stream ended") } == 3
            }
        }
    }

    @Test("deleting a conversation ends its streams, and a reset is told")
    func goneAndReset() async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            try await server.say("Hi", in: path, key: key)
            try await server.eventually("it ends") { server.task.runningAnswerCount == 0 }
            try await server.client.follow(path + "/events", key: key) { source in
                var page = EventPage()
                try await EventPage.read(&source, into: &page) { $0.states.count == 2 }
                _ = try await server.client.send(.post, path + "/reset", key: key)
                try await EventPage.read(&source, into: &page) { $0.states.isEmpty }
                _ = try await server.client.send(.delete, path, key: key)
                var last: EventSource.Event?
                while let event = try await source.next() { last = event }
                #expect(last?.name == "gone")
                #expect(source.hasEnded)
            }
        }
    }

    @Test("an error after the stream began is its last event")
    func failure() async throws {
        let store = MemorySessionStore()
        try await TestServer.run(store: store) { server in
            let (key, path) = try await server.conversation()
            try await server.client.follow(path + "/events", key: key) { source in
                _ = try await source.next()
                try await server.eventually("it reads") { server.task.readerCount == 1 }
                try await store.deleteSession(try #require(SessionKey(key)).sessionID)
                var last: EventSource.Event?
                while let event = try await source.next() { last = event }
                #expect(last?.name == "gone" || last?.data.text("code") == "unauthorized")
            }
            try await server.client.follow(path + "/events", key: key) { source in
                let body = try await source.rest()
                #expect(source.head?.status == .unauthorized)
                #expect(body.contains("unauthorized"))
            }
        }
    }

    @Test("a silent stream says that it is still there", .timeLimit(.minutes(5)))
    func heartbeat() async throws {
        try await TestServer.run { server in
            let (key, path) = try await server.conversation()
            try await server.client.follow(path + "/events", key: key) { source in
                let began = ContinuousClock.now
                try await source.comment()
                _ = try await source.next()
                try await source.comment()
                #expect(source.comments == 2)
                #expect(ContinuousClock.now - began < .seconds(30))
            }
        }
    }

    @Test("past the limit of open streams a reader is told to come back")
    func limit() async throws {
        try await TestServer.run(configuration: { $0.eventStreamsMax = 1 }) { server in
            let (key, path) = try await server.conversation()
            try await server.client.follow(path + "/events", key: key) { source in
                _ = try await source.next()
                let answer = try await server.client.send(.get, path + "/events", key: key)
                #expect(answer.status == 503)
                #expect(answer["Retry-After"] == "5")
                #expect(try answer.json.text("code") == "busy")
            }
            try await server.eventually("the place is free again") {
                try await server.client.follow(path + "/events", key: key) { source in
                    _ = try await source.next()
                    return source.head?.status == .ok
                }
            }
        }
    }

    @Test("a reader that does not read holds up nobody and loses its connection", .timeLimit(.minutes(5)))
    func slowReader() async throws {
        // More than all buffers between the two ends hold.
        let big = String(repeating: "0123456789abcdef", count: 40_000)
        let model = ScriptedModel([.text(big), .text("end")])
        try await TestServer.run(model: model, configuration: { $0.transferTimeoutSeconds = 3 }) { server in
            let (key, path) = try await server.conversation()
            for number in 1...12 {
                try await server.say("Hi \(number)", id: "m\(number)", in: path, key: key)
                try await server.eventually("it ends") { server.task.runningAnswerCount == 0 }
            }
            try await server.client.connect(receiveBytesMax: 4_096) { inbound, outbound in
                let head = HTTPRequestHead(
                    version: .http1_1, method: .GET, uri: path + "/events",
                    headers: ["Host": "x", "Authorization": "Bearer \(key)"])
                try await outbound.write(.head(head))
                try await outbound.write(.end(nil))
                try await server.eventually("the stream begins") {
                    server.logs.lines.contains { $0.text.hasPrefix("stream begun") }
                }
                // Somebody else reads meanwhile.
                try await server.client.follow(path + "/events?cursor=36.0", key: key) { source in
                    _ = try await source.comment()
                }
                try await server.eventually("the slow one is dropped") {
                    server.logs.lines.count { $0.text.hasPrefix("stream ended") } == 2
                }
            }
            #expect(server.task.readerCount == 0)
        }
    }
}
