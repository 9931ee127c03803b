package import ChatCore
import Hummingbird
import HummingbirdCore
package import Logging
package import ServiceLifecycle

/// Puts the server together: routes, middleware, limits. The command and the tests call this, and nothing
/// else.
///
/// The service runs until its group shuts down gracefully: then it lets `task` leave, which ends its event
/// streams with `restart`, accepts nothing more, finishes what it began, and returns.
/// - Parameters:
///   - task: who takes turns; ``ChatTask/run(drain:)`` is the caller's to run.
///   - readiness: writes to the volume and reads it back; what it throws is why this server is not ready. It
///     may block for as long as a volume does: nobody waits for it longer than the configured time.
///   - onListening: is told the port once connections are accepted.
package func buildServer(
    task: ChatTask,
    readiness: @escaping @Sendable () async throws -> Void,
    configuration: ServerConfiguration,
    logger: Logger,
    onListening: @escaping @Sendable (_ port: Int) -> Void = { _ in }
) throws -> some Service {
    let deadlines = ConnectionDeadlines(timeout: .seconds(configuration.transferTimeoutSeconds))
    let routes = try buildRoutes(
        task: task, readiness: readiness, configuration: configuration, deadlines: deadlines)
    let application = Application(
        router: routes.router,
        server: .http1(
            configuration: .init(
                idleTimeout: .seconds(Int64(configuration.idleTimeoutSeconds)),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: configuration.headerBytesMax,
                    maxHeaderListSize: configuration.headerBytesMax, maxHeaderFieldCount: 100))),
        configuration: .init(
            address: .hostname(configuration.host, port: configuration.port), serverName: nil,
            backlog: configuration.backlog,
            availableConnectionsDelegate: MaximumAvailableConnections(
                configuration.connectionsMax, logger: logger)),
        services: [deadlines],
        onServerRunning: { channel in onListening(channel.localAddress?.port ?? configuration.port) },
        logger: logger)
    return Server(application: application, task: task)
}

/// The application, and the task whose readers it serves.
private struct Server<Inner: Service>: Service {
    let application: Inner
    let task: ChatTask

    /// A group ends its services one after the other: whoever ended the task only when this one is through
    /// would wait for ever, because a connection with an event stream is through when the task has left.
    func run() async throws {
        try await withGracefulShutdownHandler {
            try await application.run()
        } onGracefulShutdown: {
            task.leave()
        }
    }
}

/// Every route of the server, behind its middleware.
func buildRoutes(
    task: ChatTask, readiness: @escaping @Sendable () async throws -> Void,
    configuration: ServerConfiguration,
    deadlines: ConnectionDeadlines
) throws -> RouteTable {
    let routes = RouteTable()
    let renderer = AnswerRenderer()
    let bodies = BodyReader(
        bytesMax: configuration.bodyBytesMax, messageBytesMax: configuration.messageBodyBytesMax,
        deadlines: deadlines)
    routes.router.middlewares.add(RequestLogMiddleware(task: task.id, deadlines: deadlines))
    routes.router.middlewares.add(ErrorMiddleware(routes: routes.list))
    routes.router.middlewares.add(AdmissionMiddleware(requestsMax: configuration.requestsMax))

    HealthRoutes(
        task: task,
        readiness: Readiness(
            timeout: .milliseconds(configuration.readinessTimeoutMilliseconds),
            cached: .milliseconds(configuration.readinessCacheMilliseconds), check: readiness)
    ).add(to: routes)
    try PageRoutes().add(to: routes)
    OpenAPIRoutes().add(to: routes)
    SessionRoutes(task: task).add(to: routes)
    ModelRoutes(catalogue: task.catalogue).add(to: routes)
    ConversationRoutes(task: task, renderer: renderer, bodies: bodies).add(to: routes)
    MessageRoutes(task: task, bodies: bodies).add(to: routes)
    SearchRoutes(task: task).add(to: routes)
    ExportRoutes(task: task, deadlines: deadlines, slots: Slots(countMax: configuration.exportsMax)).add(
        to: routes)
    EventRoutes(
        task: task, renderer: renderer, deadlines: deadlines,
        slots: Slots(countMax: configuration.eventStreamsMax)
    ).add(to: routes)
    return routes
}
