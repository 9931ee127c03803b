import ChatCore
import ChatStorage
import StoreTorture

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Counts the NFS calls of one kind of operation, from this host's mountstats: nothing else may use the
/// mount meanwhile.
///
/// Alone, the store keeps its shard, which is then *hot*. With a slot, workers on several hosts take turns,
/// one operation each, far enough apart for the shard to be given back: it is *cold* every time.
struct CallCount {
    enum Operation: String {
        /// Text of a kilobyte joins a running answer: the smallest durable write there is.
        case append
        /// A prompt, its answer in two appends, its end: four durable writes.
        case turn
        /// The last page of a conversation.
        case page
        /// How far conversations have come, as a task asks four times a second.
        case cursors
    }

    /// One worker's place among those that take turns.
    struct Slot {
        let number: Int
        let count: Int
        /// Seconds since 1970 at which the first turn begins.
        let start: Double
        static let length = 0.25

        /// `NUMBER/COUNT@START`.
        init?(_ text: String) {
            let words = text.split { "/@".contains($0) }
            guard words.count == 3, let number = Int(words[0]), let count = Int(words[1]),
                let start = Double(words[2])
            else { return nil }
            (self.number, self.count, self.start) = (number, count, start)
        }

        func wait(for round: Int) async throws {
            let at = start + Self.length * Double(round * count + number)
            let rest = at - Date().timeIntervalSince1970
            if rest > 0 { try await Task.sleep(for: .seconds(rest)) }
        }
    }

    /// Operations that are not counted: a host's first look at a page costs a call in any store.
    private static let warmUp = 10
    private static let messageBytes = 1_000

    private let arguments: Arguments

    init(_ arguments: Arguments) { self.arguments = arguments }

    /// - Returns: calls an operation, by the call's name and in all, as `name=number` words.
    func run() async throws -> String {
        let volume = try await Volume.openOrCreate(
            at: arguments.path, store: arguments.store, engine: arguments.engine, shards: arguments.shards)
        // Announced like a task, so that it may keep the shard while it is alone. In company it would look
        // for the others now and then, which is no operation's cost.
        let presence =
            arguments.slot == nil
            ? try await TaskPresence.start(.make(host: arguments.name), on: volume) : nil
        let store = try await WorkerStore.open(volume, presence: presence)
        let clients = try await makeClients(store)
        guard let mount = ClientCalls.now(at: volume.folder) else {
            throw Arguments.Malformed(what: "\(volume.folder) is on no NFS mount")
        }
        try await operate(clients, rounds: -Self.warmUp..<0)
        // What is given back late belongs to what was done before.
        if arguments.slot != nil { try await Task.sleep(for: .seconds(Slot.length / 2)) }
        guard let before = mount.again() else { throw Arguments.Malformed(what: "the volume was unmounted") }
        let began = ContinuousClock.now
        try await operate(clients, rounds: 0..<arguments.count)
        let elapsed = began.duration(to: .now)
        if arguments.slot != nil { try await Task.sleep(for: .seconds(Slot.length / 2)) }
        guard let after = mount.again() else { throw Arguments.Malformed(what: "the volume was unmounted") }
        await store.close()
        await presence?.end()
        return Self.summary(
            after.since(before), operations: arguments.count * clients.count, elapsed: elapsed)
    }

    /// One after the other for each client, all clients at once.
    private func operate(_ clients: [CallClient], rounds: Range<Int>) async throws {
        let (operation, slot) = (arguments.operation, arguments.slot)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in clients {
                group.addTask {
                    for round in rounds {
                        try await slot?.wait(for: round + Self.warmUp)
                        try await persist { try await client.perform(operation) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func makeClients(_ store: any SessionStore) async throws -> [CallClient] {
        var clients = [CallClient]()
        for number in 0..<arguments.clients {
            let name = "calls \(arguments.seed) \(number)"
            let session = Session(id: SessionID(hash: SHA256.hash(Array(name.utf8))), created: .now())
            let conversation = ConversationID(uncheckedRawValue: "\(arguments.name)-\(number)")
            _ = try await persist { try await store.createSession(session) }
            _ = try await persist {
                try await store.createConversation(
                    try NewConversation(id: conversation), in: session.id, at: .now())
            }
            let client = CallClient(
                store: store,
                conversation: ConversationReference(session: session.id, conversation: conversation),
                owner: AnswerOwner(task: .make(host: arguments.name), host: arguments.name, epoch: 1),
                text: String(repeating: "x", count: Self.messageBytes))
            try await persist { try await client.begin() }
            clients.append(client)
        }
        return clients
    }

    /// SEQUENCE alone is the renewal of the lease, which an idle host pays as well.
    private static func summary(
        _ calls: [String: Int], operations: Int, elapsed: Duration
    ) -> String {
        let counted = calls.filter { $0.key != "SEQUENCE" }
        func each(_ count: Int) -> Double { (Double(count * 100) / Double(operations)).rounded() / 100 }
        let words = counted.sorted { $0.key < $1.key }.map { "\($0.key)=\(each($0.value))" }
        let total = each(counted.values.reduce(0, +))
        let milliseconds = Tally.milliseconds(elapsed / operations)
        return (words + ["operations=\(operations)", "ms_each=\(milliseconds)", "calls=\(total)"])
            .joined(separator: " ")
    }
}

/// A conversation that operations are done to, one after the other.
private actor CallClient {
    private let store: any SessionStore
    private let conversation: ConversationReference
    private let owner: AnswerOwner
    private let text: String
    private var answer: AnswerReference?
    private var written = 0

    init(store: any SessionStore, conversation: ConversationReference, owner: AnswerOwner, text: String) {
        self.store = store
        self.conversation = conversation
        self.owner = owner
        self.text = text
    }

    func perform(_ operation: CallCount.Operation) async throws {
        switch operation {
        case .append:
            // An answer that is full makes room for the next one; seldom enough not to show.
            if written + text.utf8.count > Limits.answerBytesMax { try await end() }
            if answer == nil { try await begin() }
            try await append()
        case .turn:
            if answer != nil { try await end() }
            try await begin()
            try await append()
            try await append()
            try await end()
        case .page:
            _ = try await store.conversation(
                conversation.conversation, of: conversation.session, before: nil, limit: 20)
        case .cursors: _ = try await store.cursors(of: [conversation])
        }
    }

    func begin() async throws {
        let turn = try NewTurn(promptID: .random(), text: text, model: "none", owner: owner)
        _ = try await store.beginTurn(
            turn, in: conversation.conversation, of: conversation.session, at: .now())
        answer = AnswerReference(conversation, message: turn.answerID)
        written = 0
    }

    private func append() async throws {
        guard let answer else { return }
        _ = try await store.append(AnswerPart(owner: owner, offset: written, text: text), to: answer)
        written += text.utf8.count
    }

    private func end() async throws {
        guard let answer else { return }
        _ = try await store.finish(
            answer, with: AnswerPart(owner: owner, offset: written, text: ""),
            end: AnswerEnd(state: .complete), at: .now())
        self.answer = nil
    }
}
