import ChatCore
import ChatTesting
import Foundation
import Logging
import Testing

@testable import ChatStorage

/// A rotation that dies at every step there is, and what a repetition makes of it.
@Suite("Rotations that die on the way")
struct RotationFaultTests {
    private static let conversation = ConversationID(uncheckedRawValue: "kept")

    private static func session(_ store: any SessionStore) async throws -> (old: SessionID, new: SessionID) {
        let old = SessionKey().sessionID
        _ = try await store.createSession(Session(id: old, created: .now()))
        let new = try NewConversation(id: conversation, title: "kept")
        _ = try await store.createConversation(new, in: old, at: .now())
        while true {
            let id = SessionKey().sessionID
            if store.isSamePlace(old, id) { return (old, id) }
        }
    }

    /// Under which of two ids a session lives, with what it owns.
    private static func homes(_ ids: [SessionID], in store: any SessionStore) async throws -> [SessionID] {
        var homes: [SessionID] = []
        for id in ids {
            do {
                let page = try await store.conversation(conversation, of: id, before: nil, limit: 1)
                #expect(page.conversation.title == "kept")
                homes.append(id)
            } catch let error as ChatError {
                #expect(error.code == .unauthorized, "\(error)")
            }
        }
        return homes
    }

    /// Each write that the engine makes during a rotation, failing before its work and after it. It makes no
    /// other durable call: a commit is a stable write.
    @Test(
        "at each write of the engine, the session is in one place, and asking again finishes",
        arguments: [false, true])
    func engine(after: Bool) async throws {
        let folder = try TemporaryFolder()
        let engine = VolumeEngine()
        try await SQLiteSessionStore.migrate(folder: folder.path, shardCount: 1, engine: engine)
        let faults = VolumeFaults(below: folder.path + "/shards/00")
        var bounds = Shard.Bounds()
        bounds.wait = .milliseconds(300)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var outcomes: Set<String> = []
        func open(_ bounds: Shard.Bounds) -> SQLiteSessionStore {
            SQLiteSessionStore(
                folder: folder.path, shardCount: 1, engine: engine, bounds: bounds, logger: logger)
        }
        for skip in 0..<4 {
            let first = open(Shard.Bounds())
            let (old, new) = try await Self.session(first)
            await first.close()
            // Only the one that dies is short of time.
            let store = open(bounds)
            // For as long as the store tries: then the task is given up, as a dead one is.
            faults.fail(.write, EIO, skip: skip, count: 1_000, after: after)
            do {
                _ = try await store.rotateSession(old, to: new)
                outcomes.insert("done")
            } catch let error as ChatError {
                #expect(error.code == .unavailable || error.code == .busy, "\(error)")
                outcomes.insert("in doubt")
            }
            faults.heal()
            await store.close()

            // With the usual patience: nothing fails any more.
            let next = open(Shard.Bounds())
            #expect(try await Self.homes([old, new], in: next).count == 1, "\(skip)")
            #expect(try await next.rotateSession(old, to: new).id == new)
            #expect(try await Self.homes([old, new], in: next) == [new], "\(skip)")
            await next.close()
        }
        // What was written before it failed is found when the shard is opened anew.
        #expect(outcomes.contains("in doubt") || after)
        print("rotation, a write fails \(after ? "after" : "before") its work: \(outcomes.sorted())")
    }

    @Test("between the two steps of a file, the old id is no session, and whoever comes by finishes")
    func files() async throws {
        let folder = try TemporaryVolume()
        let volume = try await Volume.create(at: folder.folder, store: .files)
        for (number, finish) in ["rotate", "change", "delete", "other"].enumerated() {
            let store = FileSessionStore(volume: volume)
            let (old, new) = try await Self.session(store)
            await store.close()
            let path = "\(volume.sessionsFolder)/\(Volume.hexadecimal(Int(old.bytes[0])))"
            let dead = try SessionFolder(path)
            let document = try #require(try dead.read(old))
            let isBegun: Void? = try dead.locked { try dead.beginMove(of: document, to: new, $0) }
            #expect(isBegun != nil)

            let next = FileSessionStore(volume: volume)
            #expect(try await Self.homes([old, new], in: next).isEmpty)
            switch finish {
            case "rotate": #expect(try await next.rotateSession(old, to: new).id == new)
            case "change":
                await expectError(.unauthorized) {
                    try await next.createConversation(
                        try NewConversation(id: .random()), in: old, at: .now())
                }
            case "delete": try await next.deleteSession(old)
            default:
                let other = SessionID(hash: [old.bytes[0]] + [UInt8](repeating: UInt8(number), count: 31))
                await expectError(.unauthorized) { try await next.rotateSession(old, to: other) }
            }
            #expect(try await Self.homes([old, new], in: next) == [new], "\(finish)")
            #expect(try await next.rotateSession(old, to: new).id == new)
            // Nothing is left of the move after the next change.
            try await next.deleteConversation(.random(), of: new)
            _ = try await next.createConversation(try NewConversation(id: .random()), in: new, at: .now())
            let bytes = try folder.read(
                "sessions/\(Volume.hexadecimal(Int(new.bytes[0])))/\(new.hexadecimal).json")
            #expect(!String(decoding: bytes, as: UTF8.self).contains(old.hexadecimal))
            await next.close()
        }
    }

    @Test("a host that still knows the file by its old name does not bring the old session back")
    func stale() async throws {
        let folder = try TemporaryVolume()
        let volume = try await Volume.create(at: folder.folder, store: .files)
        let store = FileSessionStore(volume: volume)
        let (old, new) = try await Self.session(store)
        _ = try await store.rotateSession(old, to: new)
        // What such a host sees: the moved file under the old name as well.
        let part = "sessions/\(Volume.hexadecimal(Int(old.bytes[0])))"
        try folder.write(
            try folder.read("\(part)/\(new.hexadecimal).json"), to: "\(part)/\(old.hexadecimal).json")
        await expectError(.unauthorized) { try await store.session(old) }
        await expectError(.unauthorized) {
            try await store.createConversation(try NewConversation(id: .random()), in: old, at: .now())
        }
        #expect(try await Self.homes([old, new], in: store) == [new])
        await store.close()
    }
}
