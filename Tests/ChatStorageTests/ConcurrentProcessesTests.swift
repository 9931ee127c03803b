import ChatCore
import ChatStorage
import ChatTesting
import Foundation
import Testing

/// Two processes write into the same sessions of one volume; afterwards everything they were told is looked
/// for.
@Suite("Concurrent processes", .serialized)
struct ConcurrentProcessesTests {
    /// What a volume can be made of.
    enum Kind: String, CaseIterable, CustomTestStringConvertible, Sendable {
        case files, portable, volume

        var store: VolumeManifest.Store { self == .files ? .files : .sqlite }
        var engine: VolumeManifest.Engine { self == .volume ? .volume : .portable }
        var testDescription: String { rawValue }
    }

    private let folder: TemporaryVolume
    private let seconds = ProcessInfo.processInfo.environment["STOA_HAMMER_SECONDS"].flatMap(Double.init) ?? 3
    private var path: String { folder.folder + "/volume" }

    init() throws { folder = try TemporaryVolume() }

    @Test("lose nothing, keep the order, and write nothing twice", arguments: Kind.allCases)
    func hammer(_ kind: Kind) async throws {
        let workers = try ["one", "two"].map { try worker($0, kind, seed: 11) }
        for worker in workers { try await report(worker, kind) }
        try await check(["one", "two"], kind, isKilled: false)
    }

    @Test("one of them may be killed in the middle", arguments: Kind.allCases)
    func kill(_ kind: Kind) async throws {
        let victim = try worker("victim", kind, seed: 12)
        let survivor = try worker("survivor", kind, seed: 12)
        for worker in [victim, survivor] { #expect(try await worker.nextLine() == "ready") }
        try await Task.sleep(for: .seconds(seconds / 2))
        try await victim.killAndWait()
        try await report(survivor, kind)
        try await check(["victim", "survivor"], kind, isKilled: true)
    }

    private func worker(_ name: String, _ kind: Kind, seed: Int) throws -> WorkerProcess {
        try WorkerProcess(
            "hammer", path, "--store", kind.store.rawValue, "--engine", kind.engine.rawValue, "--sessions",
            "4", "--clients", "8", "--seconds",
            "\(seconds)",
            "--seed", "\(seed)", "--name", name, "--acks", "\(folder.folder)/\(name).acks")
    }

    private func report(_ worker: WorkerProcess, _ kind: Kind) async throws {
        let lines = try await worker.rest().filter { $0 != "ready" }
        #expect(try await worker.finish() == 0, "\(lines)")
        #expect(
            !lines.contains { $0.hasPrefix("error") || $0.contains("error=") || $0.contains("unavailable=") },
            "\(lines)")
        if kind == .volume {
            // A waiter that is starved by short holds in a row waits for longer than a hold and a rest (0.3
            // s).
            let longest = lines.last?.split(separator: "max_ms=").last.flatMap { Double($0) }
            #expect(try #require(longest) < 1_000)
        }
        print("hammer \(kind.rawValue) \(Int(seconds)) s: \(lines.last ?? "said nothing")")
    }

    private func check(_ names: [String], _ kind: Kind, isKilled: Bool) async throws {
        let acks = try names.flatMap { try Ack.read("\(folder.folder)/\($0).acks") }
        #expect(acks.filter { $0.kind == "answer" }.count >= 20, "hardly anything was acknowledged")
        let volume = try await Volume.open(at: path, store: kind.store, engine: kind.engine)
        let reader = try await OpenStore.open(volume)
        let interrupted = Set(acks.filter { $0.kind == "interrupted" }.map(\.message))
        for (place, acks) in Dictionary(grouping: acks, by: \.conversation) {
            let messages = try await reader.allMessages(in: place.conversation, of: place.session)
            #expect(
                messages.map(\.position) == Array(1...max(1, messages.count)), "a gap or a double position")
            let known = Dictionary(messages.map { ($0.id, $0) }) { first, _ in
                Issue.record("a message is there twice")
                return first
            }
            for ack in acks {
                let message: Message = try #require(known[ack.message], "an acknowledged \(ack.kind) is lost")
                #expect(message.position == ack.position)
                guard ack.kind == "answer" else { continue }
                #expect(message.state == .complete && !interrupted.contains(message.id))
                #expect(message.text == Ack.answer(to: try #require(message.prompt)))
            }
            checkOrder(messages, isKilled: isKilled, interrupted)
        }
        await reader.close()
        if kind.store == .sqlite { try await OpenStore.checkIntegrity(of: volume) }
        let leftovers = try folder.files().filter { $0.contains(".tmp-") }
        #expect(leftovers.count <= (isKilled ? 1 : 0))
    }

    /// Prompts alternate with their answers, and each client's prompts are in the order it sent them.
    private func checkOrder(_ messages: [Message], isKilled: Bool, _ interrupted: Set<MessageID>) {
        var last = [Substring: Int]()
        for (index, message) in messages.enumerated() {
            guard message.role == .user else {
                #expect(message.prompt == messages[index - 1].id && index % 2 == 1)
                #expect(message.state == .complete || interrupted.contains(message.id) || isKilled)
                continue
            }
            let words = message.text.split(separator: " ")
            let number = Int(words[1]) ?? 0
            #expect(number > last[words[0], default: 0], "a client's prompts changed their order")
            last[words[0]] = number
        }
    }
}

/// One line of an acks file: something a worker was told is stored.
private struct Ack {
    let kind: String
    let conversation: ConversationReference
    let message: MessageID
    let position: Int

    static func read(_ path: String) throws -> [Ack] {
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
            let words = line.split(separator: " ").map(String.init)
            try #require(words.count == 5)
            return Ack(
                kind: words[0],
                conversation: ConversationReference(
                    session: try #require(SessionID(hexadecimal: words[1])),
                    conversation: ConversationID(uncheckedRawValue: words[2])),
                message: MessageID(uncheckedRawValue: words[3]), position: try #require(Int(words[4])))
        }
    }

    /// What `storage-worker` answers.
    static func answer(to prompt: MessageID) -> String {
        "re \(prompt) 😀 " + String(repeating: prompt.rawValue, count: 5)
    }
}

extension SessionStore {
    fileprivate func allMessages(in conversation: ConversationID, of session: SessionID) async throws
        -> [Message]
    {
        var messages = [Message]()
        var before: Int?
        repeat {
            let page = try await self.conversation(conversation, of: session, before: before, limit: 100)
            messages = page.messages + messages
            before = page.earlier
        } while before != nil
        return messages
    }
}
