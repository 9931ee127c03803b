import ChatCore
import ChatTesting
import Testing

@testable import ChatStorage

@Suite("Sessions carried from store to store")
struct ConversionTests {
    private let temporary: TemporaryVolume

    init() throws { temporary = try TemporaryVolume() }

    private func volume(_ name: String, _ store: VolumeManifest.Store, shards: Int = 2) async throws -> Volume
    {
        let volume = try await Volume.create(
            at: "\(temporary.folder)/\(name)", store: store, shards: shards)
        try await VolumeMigration(of: volume).run()
        return volume
    }

    private static let owner = AnswerOwner(task: TaskID(uncheckedRawValue: "task-1"), host: "host", epoch: 2)

    /// A session in which everything that can be said of a message is said of one.
    static func document() -> SessionDocument {
        let time = Timestamp(milliseconds: 1_700_000_000_000)
        func message(
            _ position: Int, _ text: String, prompt: Int? = nil, state: Message.State = .complete,
            reasoning: String = "", failure: Message.Failure? = nil
        ) -> Message {
            Message(
                id: MessageID(uncheckedRawValue: "m\(position)"), role: prompt == nil ? .user : .assistant,
                position: position, text: text, reasoning: reasoning, state: state,
                model: prompt == nil ? nil : "demo",
                prompt: prompt.map { MessageID(uncheckedRawValue: "m\($0)") },
                owner: prompt == nil ? nil : owner, stopReason: prompt == nil ? nil : "stop",
                failure: failure,
                usage: prompt == nil ? nil : Message.Usage(inputTokens: 3, outputTokens: 4),
                created: time, updated: Timestamp(milliseconds: time.milliseconds + Int64(position)),
                version: position + 1)
        }
        let branched = ConversationDocument(
            Conversation(
                id: ConversationID(uncheckedRawValue: "branched"), title: "Über alles", model: "demo",
                systemPrompt: "Be brief.\0", isPinned: true, version: 9, resetVersion: 2, messageCount: 6,
                created: time, updated: time),
            messages: [
                message(3, "One?"), message(4, "Two", prompt: 3, reasoning: "Hm. "),
                message(5, "Three?"),
                message(
                    6, "", prompt: 5, state: .failed, failure: .init(code: "throttled", message: "Later.")),
                message(7, "Three!"), message(8, "Four", prompt: 7, state: .interrupted),
            ],
            nextPosition: 11,
            branching: Branching(branches: [.init(first: 7, parent: 4, version: 8)], leaf: 8),
            isStopRequested: false)
        let running = ConversationDocument(
            Conversation(
                id: ConversationID(uncheckedRawValue: "running"), version: 4, messageCount: 2,
                runningAnswer: MessageID(uncheckedRawValue: "m2"), created: time, updated: time),
            messages: [
                message(1, "Go."), message(2, "On and", prompt: 1, state: .running, reasoning: "Well, "),
            ],
            nextPosition: 3, branching: nil, isStopRequested: true)
        let empty = ConversationDocument(
            Conversation(id: ConversationID(uncheckedRawValue: "empty"), created: time, updated: time),
            messages: [], nextPosition: 1, branching: nil, isStopRequested: false)
        return SessionDocument(
            Session(id: SessionKey().sessionID, created: time), conversations: [running, branched, empty],
            version: 17)
    }

    @Test("everything that is known of a session survives", arguments: VolumeManifest.Store.allCases)
    func everything(_ store: VolumeManifest.Store) async throws {
        let document = Self.document()
        let catalogue = try await volume("v", store).catalogue(logger: .silent)
        try await catalogue.put(document)
        #expect(try await catalogue.document(of: document.session.id) == document)
        // Again, in the place of itself.
        try await catalogue.put(document)
        #expect(try await catalogue.document(of: document.session.id) == document)
        #expect(try await catalogue.marks(inPart: 0, after: nil, limit: 10).count <= 1)
        #expect(
            try await catalogue.remove(document.session.id, unusedSince: Timestamp(milliseconds: 0)) == false)
        #expect(try await catalogue.remove(document.session.id, unusedSince: nil))
        #expect(try await catalogue.document(of: document.session.id) == nil)
        await catalogue.close()
    }

    @Test(
        "a conversion carries over what changed and went, closes the source, and says so when asked again"
    )
    func passes() async throws {
        let source = try await volume("source", .sqlite)
        let documents = (0..<5).map { _ in Self.document() }
        var catalogue = try source.catalogue(logger: .silent)
        for document in documents { try await catalogue.put(document) }
        let target = "\(temporary.folder)/target"
        let conversion = Conversion(
            from: source, to: target,
            as: VolumeManifest(store: .files, engine: .volume, shards: 1, createdBy: "test"), logger: .silent)
        // While a task serves, nothing is closed.
        let presence = try await TaskPresence.start(.random(), host: "here", on: source)
        let first = try await conversion.run()
        #expect(first.serving == 1 && first.copied == 5 && first.content.sessions == 5)
        let refused = await #expect(throws: VolumeError.self) { try await Volume.open(at: target) }
        #expect(refused?.code == .noManifest)
        _ = try await catalogue.remove(documents[0].session.id, unusedSince: nil)
        let session = documents[1].session.id
        try await catalogue.deleteConversation(ConversationID(uncheckedRawValue: "empty"), of: session)
        let changed = try await catalogue.document(of: session)
        await catalogue.close()
        await presence.end()
        let last = try await conversion.run()
        #expect(last.serving == nil && last.removed == 1 && last.content.sessions == 4)
        let moved = await #expect(throws: VolumeError.self) { try await Volume.open(at: source.folder) }
        #expect(moved?.code == .moved)
        #expect(try Conversion.isFinished(from: source.folder, to: target))
        catalogue = try await Volume.open(at: target).catalogue(logger: .silent)
        #expect(try await catalogue.document(of: session) == changed)
        #expect(try await catalogue.document(of: documents[4].session.id) == documents[4])
        await catalogue.close()
    }

    @Test("a task that opened the volume before it was moved does not serve it")
    func lateTask() async throws {
        let source = try await volume("source", .sqlite)
        try VolumeMove(to: "/elsewhere", source.manifest).write(in: source.folder)
        let error = await #expect(throws: VolumeError.self) {
            try await TaskPresence.start(.random(), host: "here", on: source)
        }
        #expect(error?.code == .moved)
        #expect(try await TaskPresence.living(on: source).isEmpty)
    }
}
