import ChatCore

/// Where a server listens, and every bound of its own.
package struct ServerConfiguration: Sendable {
    /// The address or name to listen on.
    package var host: String
    /// The port; 0 lets the system choose one.
    package var port: Int
    /// The port of the metrics page alone; nil has it on ``port`` with everything else.
    package var metricsPort: Int?
    /// The address or name to listen on for ``metricsPort``; nil takes ``host``.
    package var metricsHost: String?
    /// What the metrics page calls this program.
    package var version = "unknown"
    /// Connections the system keeps until they are accepted.
    package var backlog = 4_096
    /// Connections open at once; more wait in the backlog.
    package var connectionsMax = 8_192
    /// Requests answered at once, event streams not counted; more are told to come back.
    package var requestsMax = 512
    /// Event streams open at once; more are told to come back.
    package var eventStreamsMax = 4_096
    /// Exports written at once; more are told to come back.
    package var exportsMax = 8
    /// Imports read at once; more are told to come back.
    package var importsMax = 4
    /// The longest file of an import, in bytes. It is never held: this bounds how long one import may keep a
    /// task busy.
    package var importBytesMax = 512 * 1024 * 1024
    /// How long an import may take, so that nobody keeps its place by sending a byte now and then.
    package var importSecondsMax = 3_600
    /// Searches that go on at once; more are told to come back.
    package var searchesMax = 16
    /// A connection on which nothing arrives for so long is closed, unless an answer is being written. Longer
    /// than the 60 s of a load balancer, which would otherwise send a request into a connection that is just
    /// closing.
    package var idleTimeoutSeconds = 75
    /// A client that takes longer to send a body, or to take one write of an answer, loses its connection.
    package var transferTimeoutSeconds = 30
    /// The longest body of a prompt: JSON may double a text's length.
    package var messageBodyBytesMax = 2 * Limits.promptBytesMax + 64 * 1024
    /// The longest body of any other request.
    package var bodyBytesMax = 2 * Limits.systemPromptBytesMax + 64 * 1024
    /// The longest head of a request.
    package var headerBytesMax = 16 * 1024
    /// How long the readiness check may take.
    package var readinessTimeoutMilliseconds = 2_000
    /// How long the outcome of a readiness check counts.
    package var readinessCacheMilliseconds = 250

    /// Listens on `host` and `port` with the usual bounds.
    package init(host: String = "127.0.0.1", port: Int) {
        self.host = host
        self.port = port
    }
}
