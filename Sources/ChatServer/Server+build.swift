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
///   - readiness: what must work for this server to be ready.
///   - metrics: what the metrics page says beside what the server knows itself.
///   - onListening: is told the port once connections are accepted.
///   - onMetricsListening: the same for the port that has the metrics page, the same one or its own.
package func buildServer(
    task: ChatTask,
    readiness: [ReadinessPart],
    metrics: [any MetricsSource] = [],
    configuration: ServerConfiguration,
    logger: Logger,
    onListening: @escaping @Sendable (_ port: Int) -> Void = { _ in },
    onMetricsListening: @escaping @Sendable (_ port: Int) -> Void = { _ in }
) throws -> some Service {
    let deadlines = ConnectionDeadlines(timeout: .seconds(configuration.transferTimeoutSeconds))
    let routes = try buildRoutes(
        task: task, readiness: readiness, metrics: metrics, configuration: configuration,
        deadlines: deadlines)
    let isApart = routes.metrics != nil
    let application = application(
        routes.server, host: configuration.host, port: configuration.port, configuration, [deadlines], logger
    ) { port in
        onListening(port)
        if !isApart { onMetricsListening(port) }
    }
    let metricsApplication = routes.metrics.map { routes in
        ChatServer.application(
            routes, host: configuration.metricsHost ?? configuration.host,
            port: configuration.metricsPort ?? 0, configuration, [], logger, onMetricsListening)
    }
    return Server(application: application, metrics: metricsApplication, task: task)
}

/// Something that answers the requests of one port.
private func application(
    _ routes: RouteTable, host: String, port: Int, _ configuration: ServerConfiguration,
    _ services: [any Service], _ logger: Logger, _ onListening: @escaping @Sendable (_ port: Int) -> Void
) -> some Service {
    let routed = routes.router.buildResponder()
    // A connection stays, with an event stream or for the next request; nothing it calls is as deep as this.
    return Application(
        responder: CallbackResponder { request, context in
            try await inOwnTask { try await routed.respond(to: request, context: context) }
        },
        server: .http1(
            configuration: .init(
                idleTimeout: .seconds(Int64(configuration.idleTimeoutSeconds)),
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: configuration.headerBytesMax,
                    maxHeaderListSize: configuration.headerBytesMax, maxHeaderFieldCount: 100))),
        configuration: .init(
            address: .hostname(host, port: port), serverName: nil, backlog: configuration.backlog,
            availableConnectionsDelegate: MaximumAvailableConnections(
                configuration.connectionsMax, logger: logger)),
        services: services,
        onServerRunning: { channel in onListening(channel.localAddress?.port ?? port) },
        logger: logger)
}

/// The application, the one of the metrics page if it has a port of its own, and the task whose readers they
/// serve.
private struct Server<Inner: Service, Metrics: Service>: Service {
    let application: Inner
    let metrics: Metrics?
    let task: ChatTask

    /// A group ends its services one after the other: whoever ended the task only when this one is through
    /// would wait for ever, because a connection with an event stream is through when the task has left.
    func run() async throws {
        try await withGracefulShutdownHandler {
            guard let metrics else { return try await application.run() }
            // Both end at a shutdown; one that cannot go on ends the other.
            try await withThrowingTaskGroup { group in
                group.addTask { try await application.run() }
                group.addTask { try await metrics.run() }
                do {
                    try await group.waitForAll()
                } catch {
                    group.cancelAll()
                    throw error
                }
            }
        } onGracefulShutdown: {
            task.leave()
        }
    }
}

/// Every route of the server, behind its middleware.
/// - Returns: what is served on the server's port, and what on the metrics page's if that is another one.
func buildRoutes(
    task: ChatTask, readiness: [ReadinessPart], metrics: [any MetricsSource] = [],
    configuration: ServerConfiguration,
    deadlines: ConnectionDeadlines
) throws -> (server: RouteTable, metrics: RouteTable?) {
    let requests = Slots(countMax: configuration.requestsMax)
    let streams = Slots(countMax: configuration.eventStreamsMax)
    let http = HTTPMetrics(requests: requests, streams: streams)
    let log = RequestLogMiddleware(task: task.id, deadlines: deadlines, metrics: http)
    let health = HealthRoutes(task: task, parts: readiness, configuration: configuration)
    // The parts first: asking them is what the volume's own metrics tell of.
    let metricsRoutes = MetricsRoutes(
        [health, BuildMetrics(version: configuration.version, task: task), ProcessMetrics(), http] + metrics)
    let renderer = AnswerRenderer()
    let bodies = BodyReader(
        bytesMax: configuration.bodyBytesMax, messageBytesMax: configuration.messageBodyBytesMax,
        deadlines: deadlines)

    let routes = RouteTable()
    routes.router.middlewares.add(log)
    routes.router.middlewares.add(ErrorMiddleware(routes: routes.list))
    routes.router.middlewares.add(AdmissionMiddleware(requests))
    health.add(to: routes)
    try PageRoutes().add(to: routes)
    OpenAPIRoutes().add(to: routes)
    SessionRoutes(task: task, bodies: bodies).add(to: routes)
    ModelRoutes(catalogue: task.catalogue, importBytesMax: configuration.importBytesMax).add(
        to: routes)
    ConversationRoutes(task: task, renderer: renderer, bodies: bodies).add(to: routes)
    MessageRoutes(task: task, bodies: bodies).add(to: routes)
    SearchRoutes(task: task, slots: Slots(countMax: configuration.searchesMax)).add(to: routes)
    ImportRoutes(
        task: task, deadlines: deadlines, slots: Slots(countMax: configuration.importsMax),
        bytesMax: configuration.importBytesMax, secondsMax: configuration.importSecondsMax
    ).add(to: routes)
    ExportRoutes(task: task, deadlines: deadlines, slots: Slots(countMax: configuration.exportsMax)).add(
        to: routes)
    EventRoutes(task: task, renderer: renderer, deadlines: deadlines, slots: streams).add(to: routes)

    guard configuration.metricsPort != nil else {
        metricsRoutes.add(to: routes)
        http.know(routes.list.routes)
        return (routes, nil)
    }
    http.know(routes.list.routes)
    let own = RouteTable()
    own.router.middlewares.add(log)
    own.router.middlewares.add(ErrorMiddleware(routes: own.list))
    metricsRoutes.add(to: own)
    return (routes, own)
}
