import Foundation
import Logging

@testable import ChatStorage

/// A folder of its own for a test, removed at its end.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "stoa-sqlite-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// An engine-opened database in it.
    func connect(
        _ name: String = "test.db", access: OpenOptions.Access = .create
    ) throws -> Connection {
        try PortableEngine().open(path: path + "/" + name, access: access)
    }
}

extension Logger {
    /// Says nothing.
    static let silent = Logger(label: "silent") { _ in SwiftLogNoOpLogHandler() }
}
