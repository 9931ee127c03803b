import ArgumentParser
import ChatCore
import ChatStorage

/// What is measured, for `run` and `worker`.
struct PlanOptions: ParsableArguments {
    @Option(help: "A folder on the volume; it must exist. Data lies below it while the run lasts.")
    var volume: String

    @Option(help: "Stores, separated by commas; `all` is every one on the volume.", transform: Self.stores)
    var stores = StoreKind.usual

    @Option(help: "Workloads, separated by commas, or `all`.", transform: Self.workloads)
    var workloads = Workload.usual

    @Option(help: "Clients at once, on each host.")
    var clients = 16

    @Option(help: "Rounds: each store is measured so often under each workload.")
    var rounds = 3

    @Option(help: "Seconds of one stretch of load.")
    var seconds = 5.0

    @Option(help: "Operations of each client in a stretch, in the place of seconds.")
    var count: Int?

    @Option(name: .customLong("warm-up"), help: "Seconds of load before each stretch that are not measured.")
    var warmUp = 1.0

    @Option(help: "Open loop: operations that arrive a second on each host. Latencies count from when due.")
    var rate: Double?

    @Option(help: "Random numbers; the same seed gives the same run. Default: from the run's id.")
    var seed: UInt64?

    @Option(help: "Shards of `volume` and `portable`.")
    var shards = Volume.shardsDefault

    @Option(help: "Flushes of a turn.")
    var flushes = 8

    @Option(name: .customLong("flush-interval-ms"), help: "Rest before each flush; the server's is 250.")
    var flushInterval = 0

    @Option(name: .customLong("sessions-max"), help: "Up to where `growth` grows: 1000, 10000 or 100000.")
    var sessionsMax = 10_000

    @Option(name: .customLong("turns-max"), help: "Up to where `long` grows: 1, 10, 100 or 1000.")
    var turnsMax = 1_000

    @Option(name: .customLong("growth-seconds"), help: "A store that needs longer to grow is left out.")
    var growthSeconds = 300.0

    @Option(
        name: .customLong("redis-url"), help: "redis://HOST:PORT/DB; keys of the run are removed at its end.")
    var redis: String?

    @Option(name: .customLong("postgres-url"), help: "postgresql://…; tables begin with stoa_bench.")
    var postgres: String?

    @Option(name: .customLong("stall"), help: "Injects a stall: BEGIN+LENGTH in seconds, such as 2+1.")
    var stall: String?

    @Flag(name: .customLong("unannounced"), help: "Do not announce this process as a task on the volume.")
    var isUnannounced = false

    @Flag(help: "No progress on standard error.")
    var quiet = false

    func validate() throws {
        guard (1...4_096).contains(clients) else { throw ValidationError("--clients is 1 to 4096") }
        guard (1...100).contains(rounds) else { throw ValidationError("--rounds is 1 to 100") }
        guard seconds > 0, seconds <= 86_400 else { throw ValidationError("--seconds is 0 to 86400") }
        guard warmUp >= 0, warmUp <= 3_600 else { throw ValidationError("--warm-up is 0 to 3600") }
        guard count.map({ $0 > 0 }) ?? true else { throw ValidationError("--count is at least 1") }
        guard rate.map({ $0 > 0 }) ?? true else { throw ValidationError("--rate is more than 0") }
        guard (1...VolumeManifest.shardsMax).contains(shards) else {
            throw ValidationError("--shards is 1 to \(VolumeManifest.shardsMax)")
        }
        _ = try stallRange()
    }

    /// - Parameter hosts: of the run.
    func plan(id: String, hosts: Int) throws -> Plan {
        var plan = Plan(id: id, stores: stores, workloads: workloads)
        plan.shape.flushes = flushes
        plan.shape.flushIntervalMilliseconds = flushInterval
        plan.kind = rate.map { .open(perSecond: $0) } ?? .closed
        plan.clients = clients
        plan.rounds = rounds
        plan.length = count.map { .count($0) } ?? .time(.seconds(seconds))
        plan.warmUp = .seconds(warmUp)
        plan.seed = seed ?? SHA256.hash(Array(id.utf8)).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        plan.sessionsMax = sessionsMax
        plan.turnsMax = turnsMax
        plan.growthPatience = .seconds(growthSeconds)
        plan.stall = try stallRange()
        if hosts > 1 { plan.stores.removeAll { !$0.isShared } }
        return plan
    }

    func place(_ folder: String) -> StorePlace {
        StorePlace(
            folder: folder, shards: shards, redis: redis, postgres: postgres, isAnnounced: !isUnannounced)
    }

    private func stallRange() throws -> Range<Duration>? {
        guard let stall else { return nil }
        let words = stall.split(separator: "+").compactMap { Double($0) }
        guard words.count == 2, words[0] >= 0, words[1] > 0 else {
            throw ValidationError("--stall is BEGIN+LENGTH in seconds, such as 2+1")
        }
        return .seconds(words[0]) ..< .seconds(words[0] + words[1])
    }

    private static func stores(_ text: String) throws -> [StoreKind] {
        if text == "all" { return StoreKind.allCases.filter(\.isOnVolume) }
        return try text.split(separator: ",").map { word in
            guard let kind = StoreKind(rawValue: String(word)) else {
                throw ValidationError("there is no store \(word)")
            }
            return kind
        }
    }

    private static func workloads(_ text: String) throws -> [Workload] {
        if text == "all" { return Workload.allCases }
        return try text.split(separator: ",").map { word in
            guard let workload = Workload(rawValue: String(word)) else {
                throw ValidationError("there is no workload \(word)")
            }
            return workload
        }
    }
}
