import ChatCore
import ChatStorage
@testable import ChatTesting
import Foundation
import Testing

@Suite("FileSessionStore")
struct FileSessionStoreTests {
    let folder: TemporaryVolume
    let volume: Volume
    let session = Session(id: SessionKey().sessionID, created: Timestamp(milliseconds: 1))

    init() async throws {
        folder = try TemporaryVolume()
        volume = try await Volume.create(at: folder.folder, store: .files)
    }

    private var prefix: String { String(session.id.hexadecimal.prefix(2)) }
    private var path: String { "sessions/\(prefix)/\(session.id.hexadecimal).json" }

    @Test("keeps the contract, with two tasks on one volume", arguments: SessionStoreSuite.clauses)
    func contract(_ clause: SessionStoreSuite.Clause) async throws {
        let volume = volume
        try await SessionStoreSuite(isShared: true) { FileSessionStore(volume: volume) }.check(clause)
        #expect(try folder.files().allSatisfy { !$0.contains(".tmp-") })
    }

    @Test("a session is one file of its user, named by the hash of its key")
    func layout() async throws {
        let store = FileSessionStore(volume: volume)
        _ = try await store.createSession(session)
        #expect(try folder.files() == ["sessions/\(prefix)/.lock", path, "stoa-volume.json"].sorted())
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder.folder)/\(path)")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        await store.close()
    }

    @Test("a change that changes nothing writes nothing")
    func noWrite() async throws {
        let store = FileSessionStore(volume: volume)
        _ = try await store.createSession(session)
        let inode = try FileManager.default.attributesOfItem(atPath: "\(folder.folder)/\(path)")[
            .systemFileNumber]
        _ = try await store.createSession(session)
        try await store.deleteConversation(.random(), of: session.id)
        await expectError(.notFound) { try await store.requestStop(nil, in: .random(), of: session.id) }
        let after = try FileManager.default.attributesOfItem(atPath: "\(folder.folder)/\(path)")[
            .systemFileNumber]
        #expect(inode as? NSNumber == after as? NSNumber)
        await store.close()
    }

    @Test("a torn file is reported by its short id and never overwritten", arguments: [0.0, 0.5, 0.99])
    func torn(_ share: Double) async throws {
        let store = FileSessionStore(volume: volume)
        _ = try await store.createSession(session)
        let new = try NewConversation(id: .random(), title: "A secret title")
        _ = try await store.createConversation(new, in: session.id, at: .now())
        let whole = try folder.read(path)
        let half = Array(whole.prefix(Int(Double(whole.count) * share)))
        try folder.write(half, to: path)
        for _ in 0..<2 {
            let errors = [
                await expectError(.unavailable) { try await store.session(session.id) },
                await expectError(.unavailable) { try await store.createSession(session) },
                await expectError(.unavailable) {
                    try await store.createConversation(new, in: session.id, at: .now())
                },
            ]
            for error in errors {
                let text = try #require(error).description
                #expect(text.contains(session.id.short))
                #expect(
                    !text.contains(session.id.hexadecimal) && !text.contains("secret")
                        && !text.contains(folder.folder))
            }
        }
        #expect(try folder.read(path) == half)
        let other = Session(id: SessionKey().sessionID, created: .now())
        #expect(try await store.createSession(other) == other)
        try folder.write(whole, to: path)
        #expect(
            try await store.conversations(of: session.id, after: nil, limit: 1).conversations.map(\.title)
                == [new.title])
        try folder.write(half, to: path)
        try await store.deleteSession(session.id)
        await expectError(.unauthorized) { try await store.session(session.id) }
        await store.close()
    }

    @Test("a file under another session's name is damage, not that session")
    func misplaced() async throws {
        let store = FileSessionStore(volume: volume)
        _ = try await store.createSession(session)
        var bytes = session.id.bytes
        bytes[31] ^= 1
        let other = SessionID(hash: bytes)
        try folder.write(try folder.read(path), to: "sessions/\(prefix)/\(other.hexadecimal).json")
        await expectError(.unavailable) { try await store.session(other) }
        await store.close()
    }

    @Test("a program that knows no alternatives reads files as long as there are none")
    func format() async throws {
        let fixture = try await StoreFixture(isShared: true) { FileSessionStore(volume: volume) }
        let hexadecimal = fixture.session.hexadecimal
        let path = "sessions/\(hexadecimal.prefix(2))/\(hexadecimal).json"
        func format() throws -> Int? {
            let object = try JSONSerialization.jsonObject(with: Data(try folder.read(path)))
            return (object as? [String: Any])?["format"] as? Int
        }
        let id = try await fixture.conversation()
        let turn = try await fixture.begin(in: id, answer: "one")
        #expect(try format() == 1)
        try await fixture.retry(turn.answer.id, in: id, answer: "two")
        #expect(try format() == 2)
        await fixture.close()
    }

    @Test("a file of a later format is left alone")
    func laterFormat() async throws {
        let store = FileSessionStore(volume: volume)
        _ = try await store.createSession(session)
        try folder.write(Array(#"{"format": 3}"#.utf8), to: path)
        let error = await expectError(.unavailable) { try await store.createSession(session) }
        #expect(error?.message.contains("newer version") == true)
        await store.close()
    }

    @Test("temporary files of writers that died go with the next change")
    func staleFiles() async throws {
        let first = FileSessionStore(volume: volume)
        _ = try await first.createSession(session)
        try folder.write(Array("half".utf8), to: "sessions/\(prefix)/.tmp-1")
        await first.close()
        let store = FileSessionStore(volume: volume)
        #expect(try await store.session(session.id) == session)
        #expect(try folder.files().contains("sessions/\(prefix)/.tmp-1"))
        _ = try await store.createSession(session)
        #expect(try folder.files().contains("sessions/\(prefix)/.tmp-1") == false)
        await store.close()
    }

    @Test("while another process keeps the lock reads go on, and changes end as busy within their deadline")
    func lockKept() async throws {
        let store = FileSessionStore(volume: volume)
        _ = try await store.createSession(session)
        let worker = try WorkerProcess("hold", "\(folder.folder)/sessions/\(prefix)/.lock")
        #expect(try await worker.nextLine() == "held")
        #expect(try await store.session(session.id) == session)
        let began = ContinuousClock.now
        let new = try NewConversation(id: .random())
        await expectError(.busy) { try await store.createConversation(new, in: session.id, at: .now()) }
        let waited = began.duration(to: .now)
        #expect((.milliseconds(4_500) ... .seconds(30)).contains(waited))
        #expect(try await worker.finish() == 0)
        #expect(try await store.createConversation(new, in: session.id, at: .now()).isNew)
        await store.close()
    }

    @Test("more calls than the queue takes are told busy at once; the others are served")
    func overload() async throws {
        let store = FileSessionStore(volume: volume)
        _ = try await store.createSession(session)
        let worker = try WorkerProcess("hold", "\(folder.folder)/sessions/\(prefix)/.lock")
        #expect(try await worker.nextLine() == "held")
        let (session, pid) = (session, worker.processIdentifier)
        let outcomes = await withTaskGroup(of: ChatError?.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    do {
                        let new = try NewConversation(id: .random())
                        _ = try await store.createConversation(new, in: session.id, at: .now())
                        return nil
                    } catch {
                        return error as? ChatError
                    }
                }
            }
            var outcomes = [ChatError?]()
            for await outcome in group {
                outcomes.append(outcome)
                // Nothing else can end before the lock is free, so these were refused at once.
                if outcomes.count == 200 - 128 { _ = kill(pid, SIGKILL) }
            }
            return outcomes
        }
        #expect(outcomes.prefix(200 - 128).allSatisfy { $0?.code == .busy && $0?.cause == "queue full" })
        #expect(outcomes.filter { $0?.cause == "queue full" }.count == 200 - 128)
        // On a slow disk the last of them reach their deadline first; none ends in any other way.
        #expect(outcomes.contains { $0 == nil })
        #expect(outcomes.allSatisfy { $0 == nil || $0?.code == .busy || $0?.code == .unavailable })
        await store.close()
    }

    @Test("a volume that may not be written is reported as unavailable", .enabled(if: geteuid() != 0))
    func notWritable() async throws {
        let store = FileSessionStore(volume: volume)
        _ = try await store.createSession(session)
        chmod("\(folder.folder)/sessions/\(prefix)", 0o500)
        await expectError(.unavailable) { try await store.deleteSession(session.id) }
        chmod("\(folder.folder)/sessions/\(prefix)", 0o700)
        await store.close()
    }
}
