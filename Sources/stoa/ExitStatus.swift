import ArgumentParser
import ChatCore
import ChatStorage

/// Maps errors to exit statuses of `sysexits.h`, in one table; the text goes to standard error.
enum ExitStatus {
    static let dataError: Int32 = 65
    static let unavailable: Int32 = 69
    static let defect: Int32 = 70
    static let busy: Int32 = 75

    /// Runs `body`; what it throws becomes one line on standard error and an exit status.
    static func reporting<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as VolumeError {
            throw fail(error.message, status(of: error))
        } catch let error as ChatError {
            throw fail(line(of: error), status(of: error))
        }
    }

    /// What an operator is told: the sentence, and the cause that a client would not hear.
    static func line(of error: ChatError) -> String {
        error.cause.map { "\(error.message) (\($0))" } ?? error.message
    }

    /// Prints one line and returns the error that ends the command with `status`.
    static func fail(_ line: String, _ status: Int32) -> ExitCode {
        StandardError.write("stoa: \(line)")
        return ExitCode(status)
    }

    private static func status(of error: VolumeError) -> Int32 {
        switch error.code {
        case .newerFormat, .malformedManifest, .lostManifest, .otherStore, .otherEngine, .noManifest,
            .moved:
            dataError
        case .taskIDTaken: busy
        default: unavailable
        }
    }

    private static func status(of error: ChatError) -> Int32 {
        switch error.code {
        case .busy: busy
        case .unavailable: unavailable
        case .internal: defect
        default: dataError
        }
    }
}
