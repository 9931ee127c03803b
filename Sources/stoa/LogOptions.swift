public import ArgumentParser
public import Logging

/// How the command logs.
struct LogOptions: ParsableArguments {
    /// What a line looks like.
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text
        case json
    }

    @Option(
        help: "One line a request, as text or json, on standard error. [env: STOA_LOG_FORMAT] (default: text)"
    )
    var logFormat: Format?

    @Option(
        help: "trace, debug, info, notice, warning, error or critical. [env: STOA_LOG_LEVEL] (default: info)")
    var logLevel: Logger.Level?

    /// Sets logging up for the whole process; called once.
    func bootstrap() throws {
        let format = try Setting.value(logFormat, "STOA_LOG_FORMAT", default: .text)
        let level = try Setting.value(logLevel, "STOA_LOG_LEVEL", default: .info)
        LoggingSystem.bootstrap { label in
            var handler: any LogHandler =
                switch format {
                case .text: StreamLogHandler.standardError(label: label)
                case .json: JSONLogHandler(label: label)
                }
            handler.logLevel = level
            return handler
        }
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
