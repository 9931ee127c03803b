import ChatCore
import ChatStorage

/// What `stoa top` shows: the tasks, shards and models of a volume, from two looks at it.
struct TopReport: Encodable {
    /// A task.
    struct Task: Encodable {
        let task: String
        let host: String
        let pid: Int
        let address: String?
        let version: String?
        /// `ready`, `degraded`, `failed`, `leaving` or `unreachable`.
        let state: String
        /// Why it is not ready: its failed parts, or the error of asking it.
        let reason: String?
        var upSeconds = 0
        var requestsPerSecond = 0.0
        var failedPerSecond = 0.0
        var p99Milliseconds: Double?
        var streams = 0
        var answers = 0
        var waiting = 0
        var commitsPerSecond = 0.0
        var commitMilliseconds: Double?
        var operationsPerCommit: Double?
        var busyPerSecond = 0.0
        var cpuPercent = 0.0
        var residentBytes = 0
        var openFiles = 0
    }

    /// A shard, over all tasks.
    struct Shard: Encodable {
        let shard: String
        /// Who has it; two when they took turns between the looks at them.
        let holders: [String]
        let operationsPerSecond: Double
        let busyPerSecond: Double
        let waiting: Int
        let logBytes: Int
        /// The tasks that cannot serve it.
        let refusedBy: [String]
    }

    /// A model, over all tasks.
    struct Model: Encodable {
        let model: String
        let running: Int
        let answersPerSecond: Double
        let errorsPerSecond: Double
        /// Tasks that leave it in peace because it is away.
        let circuitsOpen: Int
    }

    let volume: String
    let store: String
    let engine: String?
    let freeBytes: Int?
    let sizeBytes: Int?
    let tasks: [Task]
    let shards: [Shard]
    let models: [Model]

    /// - Parameter before: an earlier look; without one there are no rates.
    init(_ volume: Volume, _ look: TopLook, since before: TopLook?) {
        self.volume = volume.folder
        store = volume.manifest.store.rawValue
        engine = volume.manifest.engine?.rawValue
        let told = look.tasks.compactMap { seen in
            (try? seen.reading.get()).map { reading in
                Told(
                    task: seen.task.task.rawValue, reading: reading,
                    change: MetricsChange(before?.reading(of: seen.task.task), reading))
            }
        }
        freeBytes = told.lazy.compactMap { $0.reading.first("stoa_volume_free_bytes") }.first.map { Int($0) }
        sizeBytes = told.lazy.compactMap { $0.reading.first("stoa_volume_size_bytes") }.first.map { Int($0) }
        tasks = look.tasks.map { Task($0, told: told) }
        shards = Told.names("shard", of: "stoa_shard_held", in: told).map { Shard($0, told) }
        models = Told.names("model", of: "stoa_model_running", in: told).map { Model($0, told) }
    }

    /// What one task said.
    fileprivate struct Told {
        let task: String
        let reading: MetricsReading
        let change: MetricsChange?

        static func names(_ label: String, of name: String, in told: [Told]) -> [String] {
            Set(told.flatMap { $0.reading.all(name).compactMap { $0.labels[label] } }).sorted()
        }
    }
}

extension TopReport.Task {
    fileprivate init(_ seen: TopLook.Seen, told: [TopReport.Told]) {
        task = seen.task.task.rawValue
        host = seen.task.host
        pid = seen.task.pid
        address = seen.task.metrics
        switch seen.reading {
        case .failure(let failure):
            version = nil
            state = "unreachable"
            reason = failure.description
        case .success(let reading):
            version = reading.label("version", of: "stoa_build_info")
            let parts = reading.all("stoa_part_ready").filter { $0.value < 1 }
            let names = parts.compactMap { $0.labels["part"] }.joined(separator: ", ")
            reason = names.isEmpty ? nil : names
            if reading.first("stoa_task_leaving") == 1 {
                state = "leaving"
            } else {
                state = parts.isEmpty ? "ready" : parts.contains { $0.value == 0 } ? "failed" : "degraded"
            }
            fill(reading, told.first { $0.task == seen.task.task.rawValue }?.change)
        }
    }

    private mutating func fill(_ reading: MetricsReading, _ change: MetricsChange?) {
        let now = Double(Timestamp.now().milliseconds) / 1_000
        upSeconds = Int(max(0, now - (reading.first("process_start_time_seconds") ?? now)))
        streams = Int(reading.sum("stoa_event_streams_open"))
        answers = Int(reading.sum("stoa_answers_running"))
        waiting = Int(reading.sum("stoa_shard_waiting") + reading.sum("stoa_files_waiting"))
        residentBytes = Int(reading.sum("process_resident_memory_bytes"))
        openFiles = Int(reading.sum("process_open_fds"))
        guard let change else { return }
        requestsPerSecond = change.rate("stoa_http_requests_total")
        failedPerSecond = ["500", "503"].reduce(0) {
            $0 + change.rate("stoa_http_requests_total", ["status": $1])
        }
        p99Milliseconds = change.quantileMilliseconds(0.99, "stoa_http_request_seconds")
        commitsPerSecond = change.rate("stoa_shard_commit_seconds_count")
        commitMilliseconds = change.meanMilliseconds("stoa_shard_commit_seconds")
        operationsPerCommit = change.meanMilliseconds("stoa_shard_batch_operations", ["kind": "write"]).map {
            $0 / 1_000
        }
        busyPerSecond = change.rate("stoa_shard_busy_total") + change.rate("stoa_files_busy_total")
        cpuPercent = change.rate("process_cpu_seconds_total") * 100
    }
}

extension TopReport.Shard {
    fileprivate init(_ name: String, _ told: [TopReport.Told]) {
        let labels = ["shard": name]
        shard = name
        holders = told.filter { $0.reading.sum("stoa_shard_held", labels) > 0 }.map(\.task)
        refusedBy = told.filter { $0.reading.sum("stoa_shard_refused", labels) > 0 }.map(\.task)
        waiting = Int(told.reduce(0) { $0 + $1.reading.sum("stoa_shard_waiting", labels) })
        // Each task knows the log as it was when it had the shard last.
        logBytes = Int(told.map { $0.reading.sum("stoa_shard_log_bytes", labels) }.max() ?? 0)
        operationsPerSecond = told.reduce(0) {
            $0 + ($1.change?.rate("stoa_shard_operations_total", labels) ?? 0)
        }
        busyPerSecond = told.reduce(0) { $0 + ($1.change?.rate("stoa_shard_busy_total", labels) ?? 0) }
    }
}

extension TopReport.Model {
    fileprivate init(_ name: String, _ told: [TopReport.Told]) {
        let labels = ["model": name]
        model = name
        running = Int(told.reduce(0) { $0 + $1.reading.sum("stoa_model_running", labels) })
        circuitsOpen = Int(told.reduce(0) { $0 + $1.reading.sum("stoa_model_circuit_open", labels) })
        let all = told.reduce(0) { $0 + ($1.change?.rate("stoa_model_requests_total", labels) ?? 0) }
        let good = ["complete", "cancelled"].reduce(0) { sum, end in
            sum
                + told.reduce(0) {
                    $0 + ($1.change?.rate("stoa_model_requests_total", ["model": name, "end": end]) ?? 0)
                }
        }
        answersPerSecond = all
        errorsPerSecond = max(0, all - good)
    }
}
