import ArgumentParser
import ChatCore
import ChatModels
import ChatServer
import ChatStorage
import Logging
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// `stoa serve`: one task.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve chats from a volume.",
        discussion: """
            Any number of tasks may serve one volume at once, on any hosts; no two
            need to know of each other. A fresh folder becomes a volume. One with an
            older schema is refused with the command to run, or brought up with
            --migrate; one with a newer schema is refused.

            EXAMPLES:
              stoa serve
              stoa serve --volume /mnt/stoa --host 0.0.0.0 --log-format json
              OPENAI_BASE_URL=http://127.0.0.1:8090/v1 stoa serve

            SIGNALS:
              SIGTERM and SIGINT end the task: readers are sent elsewhere at once,
              running answers get --drain seconds, what is left is kept as
              interrupted.
            """)

    @OptionGroup(title: "Volume") var volume: VolumeOptions
    @OptionGroup(title: "A new volume") var new: NewVolumeOptions
    @OptionGroup(title: "Serving") var options: ServeOptions
    @OptionGroup(title: "Logging") var log: LogOptions

    func run() async throws {
        try log.bootstrap()
        try await ExitStatus.reporting { try await serve(Logger(label: "stoa")) }
    }

    private func serve(_ logger: Logger) async throws {
        let configuration = try options.configuration()
        let drain = try options.drainDuration()
        let volume = try await openVolume(logger)
        let http = ModelHTTPClient()
        let models = try MeasuredModels(try await loadCatalogue(http, logger))
        let turns = TurnMetrics()
        let host = Volume.hostName()
        let presence = try await TaskPresence.start(TaskID.make(host: host), host: host, on: volume)
        let store = try VolumeStore.open(volume, presence: presence, logger: logger)
        let task = ChatTask(
            id: presence.task, host: host, store: store, catalogue: models.catalogue, liveness: presence,
            report: { report in
                turns.record(report)
                report.log(to: logger)
            }, answerLimits: try options.answerLimits())
        do {
            let probe = VolumeProbe(volume)
            let server = try buildServer(
                task: task, readiness: Self.parts(probe, store),
                metrics: [
                    TaskMetrics(task, turns: turns), models, store, await VolumeMetrics(volume, probe: probe),
                ],
                configuration: configuration, logger: logger,
                onListening: { announce(configuration.host, $0, volume, task, logger) },
                onMetricsListening: { port in
                    let address = ListeningAddress(configuration.metricsHost ?? configuration.host, port)
                    presence.announce(metrics: address.reachable)
                })
            try await run(
                [server, TaskService(task: task, drain: drain)] + retention(volume, store, logger), drain,
                logger)
        } catch {
            await leave(store, presence, http)
            throw error
        }
        await leave(store, presence, http)
        logger.notice("the task has left", metadata: ["task": "\(task.id)"])
    }

    /// What must work for a task to be ready.
    private static func parts(_ probe: VolumeProbe, _ store: any MeasuredStore) -> [ReadinessPart] {
        [
            ReadinessPart("volume") {
                try await probe.check()
                return nil
            },
            ReadinessPart("shards") {
                let refused = store.refusedShards
                guard !refused.isEmpty else {
                    let names = store.readOnlyShards.joined(separator: ", ")
                    return names.isEmpty ? nil : "These shards can only be read: \(names)."
                }
                let sentence = "These shards cannot be served: \(refused.joined(separator: ", "))."
                // Other sessions are served; but where none is, another task may do better (an older program
                // beside a newer schema).
                guard refused.count < store.shardsCount else { throw ChatError(.unavailable, sentence) }
                return sentence
            },
        ]
    }

    /// The job that removes old sessions, when that is wanted.
    private func retention(_ volume: Volume, _ store: any Sendable, _ logger: Logger) throws
        -> [any Service]
    {
        guard let age = try Setting.optional(options.retain, "STOA_RETAIN"),
            let catalogue = store as? any SessionCatalogue
        else { return [] }
        return [RetentionService(volume: volume, catalogue: catalogue, age: age, logger: logger)]
    }

    /// Runs all until a signal; whichever fails ends the others.
    private func run(_ services: [any Service], _ drain: Duration, _ logger: Logger) async throws {
        // Services leave in the opposite order of this list: the task before the server, so that while its
        // running answers end the server still says "not ready" to the load balancer, and "stop" still
        // reaches them.
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = drain + .seconds(10)
        try await ServiceGroup(configuration: configuration).run()
    }

    /// Last in a task's life: the store first, so that nobody takes this task's answers for abandoned while
    /// it writes.
    private func leave(_ store: any SessionStore, _ presence: TaskPresence, _ http: ModelHTTPClient) async {
        await store.close()
        await presence.end()
        await http.shutdown()
    }

    private func openVolume(_ logger: Logger) async throws -> Volume {
        try await Doctor.examine(try volume.folder, planned: new) { warning in
            logger.warning("\(warning.sentence)", metadata: ["finding": "\(warning.code)"])
        }
        let volume = try await new.openOrCreate(at: volume.folder)
        let status = try await VolumeStore.schemaStatus(of: volume)
        // A fresh volume is nobody's data yet: it gets its schema without being asked for.
        if try status.isFresh || Setting.isOn(options.migrate, "STOA_MIGRATE") {
            try await Migrate.up(volume) { $0.log(to: logger) }
        } else if let refusal = status.refusal {
            throw ExitStatus.fail(ExitStatus.line(of: refusal), ExitStatus.dataError)
        }
        return volume
    }

    private func loadCatalogue(_ http: ModelHTTPClient, _ logger: Logger) async throws -> ModelCatalogue {
        let pace = try options.demoPace()
        let loader = ModelCatalogueLoader(
            environment: Setting.environment,
            embedded: DemoModel.Length.allCases.map { DemoModel($0, speed: pace) },
            http: http)
        let loaded = try await loader.load(file: try Setting.optional(options.models, "STOA_MODELS"))
        for warning in loaded.warnings { logger.warning("\(warning)") }
        return loaded.catalogue.guarded
    }

    private func announce(_ host: String, _ port: Int, _ volume: Volume, _ task: ChatTask, _ logger: Logger) {
        let address = ListeningAddress(host, port).text
        logger.notice(
            "listening",
            metadata: [
                "address": "http://\(address)", "task": "\(task.id)", "volume": "\(volume.folder)",
                "store": "\(volume.manifest.store.rawValue)",
            ])
        print("stoa: listening on http://\(address)")
        // Whoever started this waits for the line, often through a pipe.
        fflush(nil)
    }
}

extension VolumeMigration.Event {
    /// One line for each shard that was changed.
    func log(to logger: Logger) {
        switch self {
        case .waiting(let holder):
            logger.notice(
                "waiting for another process that migrates",
                metadata: ["host": "\(holder?.host ?? "unknown")", "pid": "\(holder?.pid ?? 0)"])
        case .migrated(let shard, let applied):
            guard !applied.isEmpty else { return }
            logger.info(
                "shard migrated", metadata: ["shard": "\(shard)", "migrations": "\(applied.count)"])
        }
    }
}

extension TurnReport {
    /// One line a turn; no text and no key.
    func log(to logger: Logger) {
        let state: String
        switch conclusion {
        case .stored(let message): state = message.state.rawValue
        case .lost: state = "lost"
        }
        var metadata: Logger.Metadata = [
            "session": "\(answer.session.short)", "conversation": "\(answer.conversation)",
            "model": "\(model)", "state": "\(state)", "duration_ms": "\(duration.milliseconds)",
        ]
        if let request { metadata["request"] = .string(request) }
        if let cause { metadata["cause"] = "\(cause)" }
        logger.log(level: cause == nil ? .info : .warning, "turn", metadata: metadata)
    }
}
