import Foundation
import Synchronization

/// Holds a shard's thread up from inside an operation, as a hanging volume would.
final class Gate: Sendable {
    private let entered = Atomic(false)
    private let semaphore = DispatchSemaphore(value: 0)

    var isEntered: Bool { entered.load(ordering: .sequentiallyConsistent) }

    /// Blocks until `open`.
    func enter() {
        entered.store(true, ordering: .sequentiallyConsistent)
        semaphore.wait()
        semaphore.signal()
    }

    func open() { semaphore.signal() }
}

/// The beginning of a file, read without SQLite.
enum FileBytes {
    static func read(_ path: String, count: Int) throws -> [UInt8] {
        let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? handle.close() }
        return Array(try handle.read(upToCount: count) ?? Data())
    }
}

/// What happened, in its order.
final class Record: Sendable {
    private let state = Mutex<[String]>([])

    var lines: [String] { state.withLock { $0 } }

    func add(_ line: String) { state.withLock { $0.append(line) } }
}
