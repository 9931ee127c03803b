import ChatCore
import ServiceLifecycle

/// A ``ChatTask`` for the time that the process lives: leaves when the process is asked to end.
struct TaskService: Service {
    let task: ChatTask
    /// How long running answers may go on after that.
    let drain: Duration

    func run() async throws {
        await withGracefulShutdownHandler {
            await task.run(drain: drain)
        } onGracefulShutdown: {
            task.leave()
        }
    }
}
