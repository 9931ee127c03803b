import ArgumentParser
import ChatCore
import ChatServer

/// How a task serves.
struct ServeOptions: ParsableArguments {
    @Option(help: "Address or name to listen on. [env: STOA_HOST] (default: 127.0.0.1)")
    var host: String?

    @Option(help: "Port to listen on; 0 lets the system choose. [env: STOA_PORT] (default: 8080)")
    var port: Int?

    @Option(
        help:
            "Port of /metrics, and of nothing else; without it, it is on --port. [env: STOA_METRICS_PORT]")
    var metricsPort: Int?

    @Option(help: "Address or name for --metrics-port. [env: STOA_METRICS_HOST] (default: --host)")
    var metricsHost: String?

    @Option(help: "Seconds that running answers may go on after SIGTERM. [env: STOA_DRAIN] (default: 25)")
    var drain: Double?

    @Option(
        help:
            "Event streams open at once; more are told to come back. [env: STOA_STREAMS_MAX] (default: 4096)")
    var streamsMax: Int?

    @Option(
        help: "Answers written at once; more are told to come back. [env: STOA_ANSWERS_MAX] (default: 256)")
    var answersMax: Int?

    @Option(
        help:
            "Of one session, by this task. [env: STOA_ANSWERS_PER_SESSION_MAX] (default: 8)")
    var answersPerSessionMax: Int?

    @Option(
        help: ArgumentHelp(
            "Catalogue of models; without one, the environment decides (README). [env: STOA_MODELS]",
            valueName: "file"))
    var models: String?

    @Option(
        help: "Pace of the demo model: 1 is a human's, 0 does not pause. [env: STOA_DEMO_SPEED] (default: 1)")
    var demoSpeed: Double?

    @Option(
        help: """
            Forget sessions that were not used for so long: 90d, 12h, 30m; without it none is. \
            [env: STOA_RETAIN]
            """)
    var retain: AgeText?

    @Flag(help: "Bring an older schema up before serving, instead of refusing it. [env: STOA_MIGRATE=1]")
    var migrate = false

    /// The server's configuration.
    func configuration() throws -> ServerConfiguration {
        var configuration = ServerConfiguration(
            host: try Setting.value(host, "STOA_HOST", default: "127.0.0.1"),
            port: try Setting.check(
                Setting.value(port, "STOA_PORT", default: 8_080), "--port", in: 0...65_535))
        configuration.version = Version.text
        configuration.metricsHost = try Setting.optional(metricsHost, "STOA_METRICS_HOST")
        configuration.metricsPort = try Setting.optional(metricsPort, "STOA_METRICS_PORT").map {
            try Setting.check($0, "--metrics-port", in: 0...65_535)
        }
        guard configuration.metricsHost == nil || configuration.metricsPort != nil else {
            throw ValidationError("--metrics-host is for --metrics-port, which was not given.")
        }
        if let streamsMax = try Setting.optional(streamsMax, "STOA_STREAMS_MAX") {
            configuration.eventStreamsMax = try Setting.check(streamsMax, "--streams-max", in: 1...100_000)
        }
        return configuration
    }

    /// How many answers this task writes at once.
    func answerLimits() throws -> AnswerLimits {
        var limits = AnswerLimits()
        if let max = try Setting.optional(answersMax, "STOA_ANSWERS_MAX") {
            limits.perTaskMax = try Setting.check(max, "--answers-max", in: 1...100_000)
        }
        if let max = try Setting.optional(answersPerSessionMax, "STOA_ANSWERS_PER_SESSION_MAX") {
            limits.perSessionMax = try Setting.check(max, "--answers-per-session-max", in: 1...100_000)
        }
        return limits
    }

    /// How long running answers may go on.
    func drainDuration() throws -> Duration {
        .seconds(try Setting.check(Setting.value(drain, "STOA_DRAIN", default: 25), "--drain", in: 0...3_600))
    }

    /// The demo model's pace.
    func demoPace() throws -> Double {
        try Setting.check(
            Setting.value(demoSpeed, "STOA_DEMO_SPEED", default: 1), "--demo-speed", in: 0...100_000)
    }
}
