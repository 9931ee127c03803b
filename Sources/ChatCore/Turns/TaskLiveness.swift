/// Knows which tasks of the volume are alive.
package protocol TaskLiveness: Sendable {
    /// Whether `task` still runs. Never false for a task that runs: a doubt is thrown, not answered.
    func isAlive(_ task: TaskID) async throws -> Bool
}
