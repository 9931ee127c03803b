import ChatTesting
import Foundation
import Testing

@testable import ChatStorage

@Suite("FileLock")
struct FileLockTests {
    let folder: TemporaryVolume
    let path: String

    init() throws {
        folder = try TemporaryVolume()
        path = folder.folder + "/lock"
    }

    @Test("two locks on one file exclude each other, within one process too")
    func exclusion() throws {
        let one = try FileLock(path, create: true)
        let two = try FileLock(path, create: false)
        #expect(try one.tryLock())
        #expect(try one.tryLock())
        #expect(try two.tryLock() == false)
        #expect(try two.tryLock(.shared) == false)
        try one.unlock()
        #expect(try two.tryLock(.shared))
        #expect(try one.tryLock(.shared))
        try two.unlock()
    }

    @Test("closing another descriptor of the file does not let the lock go")
    func foreignClose() throws {
        let one = try FileLock(path, create: true)
        #expect(try one.tryLock())
        // With fcntl(F_SETLK) this line would end the lock.
        _ = try Data(contentsOf: URL(filePath: path))
        do { _ = try FileLock(path, create: false) }
        #expect(try FileLock(path, create: false).tryLock() == false)
    }

    @Test("the lock goes with its object, whoever still has a copy of the descriptor")
    func copies() throws {
        var lock: FileLock? = try FileLock(path, create: true)
        #expect(try lock?.tryLock() == true)
        // What a child process has between its start and its exec.
        let copy = dup(try #require(lock).descriptor)
        defer { close(copy) }
        lock = nil
        #expect(try FileLock(path, create: false).tryLock())
    }

    @Test("another process excludes us until it ends, however it ends")
    func otherProcess() async throws {
        for isKilled in [false, true] {
            let worker = try WorkerProcess("hold", path)
            #expect(try await worker.nextLine() == "held")
            let lock = try FileLock(path, create: false)
            #expect(try lock.tryLock() == false)
            if isKilled { try await worker.killAndWait() } else { _ = try await worker.finish() }
            #expect(try lock.tryLock())
        }
    }

    @Test("waiting ends with the lock, or at the deadline without it")
    func waiting() async throws {
        let lane = BlockingLane(label: "test", jobsMax: 4)
        let one = try FileLock(path, create: true)
        let two = try FileLock(path, create: false)
        #expect(try one.tryLock())
        let began = ContinuousClock.now
        #expect(try await two.lock(until: .now + .milliseconds(150), on: lane) == false)
        #expect(began.duration(to: .now) > .milliseconds(80))
        async let locked = two.lock(until: .now + .seconds(60), on: lane)
        try await Task.sleep(for: .milliseconds(50))
        try one.unlock()
        #expect(try await locked)
        #expect(try one.tryLock() == false)
    }

    @Test("a lock on a file that lost its name is not current")
    func current() throws {
        let lock = try FileLock(path, create: true)
        #expect(try lock.isCurrent())
        try FileManager.default.removeItem(atPath: path)
        #expect(try lock.isCurrent() == false)
        let next = try FileLock(path, create: true)
        #expect(try next.isCurrent() && !lock.isCurrent())
        #expect(try lock.tryLock() && next.tryLock())
    }
}
