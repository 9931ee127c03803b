import CSQLite
import CVolumeVFS
import ChatCore
import Logging
import Testing

@testable import ChatStorage

/// The two engines, for tests that every engine must pass.
enum EngineUnderTest: String, CaseIterable, CustomTestStringConvertible, Sendable {
    case portable, volume

    var engine: any StorageEngine {
        switch self {
        case .portable: PortableEngine()
        case .volume: VolumeEngine()
        }
    }

    var testDescription: String { rawValue }
}

extension StorageEngine {
    /// Opens, takes and prepares a shard's file, trying again while it is taken; closing gives it back.
    func held(
        _ path: String, access: OpenOptions.Access = .readWrite, wait: Duration = .seconds(30)
    ) async throws -> Connection {
        let connection = try await retryingWhileBusy(until: .now + wait) {
            try open(path: path, access: access)
        }
        _ = try await retryingWhileBusy(until: .now + wait) { try acquire(connection) }
        try prepare(connection)
        return connection
    }
}
