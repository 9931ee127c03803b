import ChatCore
import ChatStorage
import Dispatch

/// All tasks of a volume at one moment.
struct TopLook: Sendable {
    /// One of them, and what it says or why it does not.
    struct Seen: Sendable {
        let task: LivingTask
        let reading: Result<MetricsReading, PlainHTTP.Failure>
    }

    /// How long one task may take to say how it is.
    private static let answerSecondsMax = 3.0

    /// In the order in which they began.
    let tasks: [Seen]

    /// Looks into the folder of tasks and asks each of them, all at the same time.
    /// - Throws: `VolumeError` when the volume does not tell.
    init(at volume: Volume) async throws {
        let living = try await TaskPresence.living(on: volume)
        let deadline = ContinuousClock.now + .seconds(Self.answerSecondsMax)
        tasks = await withTaskGroup { group in
            for task in living { group.addTask { Seen(task: task, reading: await Self.ask(task, deadline)) } }
            return await group.reduce(into: [Seen]()) { $0.append($1) }
        }.sorted { ($0.task.started, $0.task.task.rawValue) < ($1.task.started, $1.task.task.rawValue) }
    }

    /// The last reading of a task, if it gave one.
    func reading(of task: TaskID) -> MetricsReading? {
        tasks.first { $0.task.task == task }.flatMap { try? $0.reading.get() }
    }

    private static func ask(
        _ task: LivingTask, _ deadline: ContinuousClock.Instant
    ) async -> Result<MetricsReading, PlainHTTP.Failure> {
        guard let address = task.metrics, let server = PlainHTTP(address) else {
            return .failure(PlainHTTP.Failure(description: "says nowhere where its metrics are"))
        }
        return await withCheckedContinuation { continuation in
            // Blocks: not on the threads that everything else shares.
            DispatchQueue.global().async {
                continuation.resume(returning: reading(of: server, deadline))
            }
        }
    }

    private static func reading(
        of server: PlainHTTP, _ deadline: ContinuousClock.Instant
    ) -> Result<MetricsReading, PlainHTTP.Failure> {
        do throws(PlainHTTP.Failure) {
            let answer = try server.get("/metrics", until: deadline)
            guard answer.status == 200 else {
                throw PlainHTTP.Failure(description: "/metrics: status \(answer.status)")
            }
            return .success(MetricsReading(answer.body))
        } catch {
            return .failure(error)
        }
    }
}
