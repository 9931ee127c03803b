import ChatCore
import ChatStorage

/// How the shards of a volume stand, as `stoa migrate status` prints it.
struct SchemaReport: Encodable {
    /// One shard.
    struct Shard: Encodable {
        let shard: Int
        let state: String
        let version: Int
        let pending: [String]
        let problem: String?
    }

    /// Every shard can be used.
    let current: Bool
    /// The newest migration of this program.
    let known: Int
    let shards: [Shard]
    /// The tasks that live.
    let tasks: [LivingTask]

    init(_ schema: VolumeSchema, tasks: [LivingTask]) {
        current = schema.refusal == nil
        known = [Migration].embedded.last?.version ?? 0
        self.tasks = tasks.sorted { $0.task.rawValue < $1.task.rawValue }
        shards = schema.shards.enumerated().map { number, status in
            var problem: String?
            if case .drifted(let sentence) = status.state { problem = sentence }
            return Shard(
                shard: number, state: status.state.word, version: status.version,
                pending: status.pending.map(\.name), problem: problem)
        }
    }

    /// One line for all shards that stand alike, and one for all tasks of a kind.
    var lines: [String] {
        Dictionary(grouping: shards) { "\($0.state) \($0.version) \($0.pending) \($0.problem ?? "")" }.values
            .sorted { $0[0].shard < $1[0].shard }
            .map { alike in
                let first = alike[0]
                let pending =
                    first.pending.isEmpty ? "" : ", pending: \(first.pending.joined(separator: ", "))"
                let problem = first.problem.map { ": \($0)" } ?? ""
                let noun = alike.count == 1 ? "shard " : "shards"
                return "\(alike.count) \(noun)  version \(first.version)  \(first.state)\(pending)\(problem)"
            }
            + Dictionary(grouping: tasks, by: \.schema).sorted { $0.key ?? 0 < $1.key ?? 0 }
            .map { schema, tasks in
                let noun = tasks.count == 1 ? "task  " : "tasks "
                return "\(tasks.count) \(noun) know\(tasks.count == 1 ? "s" : "") schema "
                    + (schema.map(String.init) ?? "unknown")
            }
    }
}
