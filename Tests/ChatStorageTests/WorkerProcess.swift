import ChatTesting
import Foundation
import Testing

/// A `storage-worker` in a process of its own.
final class WorkerProcess {
    private let process: ChildProcess

    /// Starts one; its standard input stays open until ``finish()``.
    convenience init(_ arguments: String...) throws { try self.init(arguments) }

    /// Starts one; its standard input stays open until ``finish()``.
    init(_ arguments: [String]) throws {
        process = try ChildProcess([try Self.executable()] + arguments)
    }

    var processIdentifier: Int32 { process.processIdentifier }

    /// The next line it says; nil at its end.
    func nextLine() async throws -> String? { try await process.nextLine() }

    /// Everything it still says, once it is done.
    func rest() async throws -> [String] {
        var lines = [String]()
        while let line = try await nextLine() { lines.append(line) }
        return lines
    }

    /// Ends its standard input and waits for its end.
    /// - Returns: its exit status.
    func finish() async throws -> Int32 {
        process.closeInput()
        return try await process.waitForExit()
    }

    /// kill -9.
    func kill() { process.kill() }

    /// Ends it by kill -9 and waits until it is gone.
    func killAndWait() async throws {
        kill()
        _ = try await process.waitForExit()
    }

    /// Built beside the test bundle.
    private static func executable() throws -> String {
        let wanted = ProcessInfo.processInfo.environment["STOA_STORAGE_WORKER"]
        let beside =
            URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/storage-worker"
        let path = wanted ?? beside
        try #require(FileManager.default.isExecutableFile(atPath: path), "no storage-worker at \(path)")
        return path
    }
}
