import ArgumentParser
import ChatStorage

/// `stoa migrate plan`.
struct MigratePlan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan",
        abstract: "Print the SQL that `up` would run, per shard; changes nothing.",
        discussion: """
            Shards to which the same is applied are printed together. Works while tasks
            serve.

            EXAMPLE:
              stoa migrate plan --volume /mnt/stoa

            EXIT STATUS:
              0 the plan was printed, an empty one too; 65 a shard is newer or drifted;
              69 the volume is away; 75 a shard stayed taken.
            """)

    @OptionGroup var volume: VolumeOptions
    @Option(help: "The last migration to apply.") var to: Int?
    @Flag(help: "Print one JSON object.") var json = false

    /// What `--json` prints.
    private struct Plan: Encodable {
        struct Step: Encodable {
            let name: String
            let minReader: Int
            let minWriter: Int
            let sql: String

            private enum CodingKeys: String, CodingKey {
                case name, sql
                case minReader = "min_reader"
                case minWriter = "min_writer"
            }
        }

        /// Shards that get the same.
        struct Group: Encodable {
            let shards: [String]
            let version: Int
            let steps: [Step]
        }

        let groups: [Group]
        /// Tasks that live and could not go on.
        let stopped: [LivingTask]

        private enum CodingKeys: String, CodingKey {
            case groups
            case stopped = "tasks_that_could_not_go_on"
        }
    }

    func run() async throws {
        try await ExitStatus.reporting {
            let volume = try await Migrate.database(volume)
            let plan = try await plan(for: volume)
            if json { return print(try JSONText.of(plan)) }
            for line in Self.lines(of: plan) { print(line) }
        }
    }

    private func plan(for volume: Volume) async throws -> Plan {
        let all = try await SQLiteSessionStore.schemaStatus(of: volume)
        for (number, status) in all.enumerated() where status.pending.isEmpty {
            if let refusal = status.refusal(shard: volume.shardName(number)) { throw refusal }
        }
        let due = all.enumerated().map { number, status in
            (
                shard: volume.shardName(number), status: status,
                steps: status.pending.filter { $0.version <= to ?? .max }
            )
        }.filter { !$0.steps.isEmpty }
        let needed = due.flatMap(\.steps).map(\.minWriter).max() ?? 0
        return Plan(
            groups: Dictionary(grouping: due, by: \.status.version).sorted { $0.key < $1.key }
                .map { version, alike in
                    Plan.Group(
                        shards: alike.map(\.shard), version: version,
                        steps: alike[0].steps.map {
                            Plan.Step(
                                name: $0.name, minReader: $0.minReader, minWriter: $0.minWriter, sql: $0.sql)
                        })
                },
            stopped: try await TaskPresence.living(on: volume).filter { $0.schema ?? 0 < needed })
    }

    private static func lines(of plan: Plan) -> [String] {
        if plan.groups.isEmpty { return ["nothing to do"] }
        let tasks = plan.stopped.map { task in
            "-- task \(task.task) on \(task.host) (schema \(task.schema.map(String.init) ?? "unknown")) "
                + "could not go on"
        }
        return plan.groups.flatMap { group in
            ["-- shards \(group.shards.joined(separator: " ")), version \(group.version)"]
                + group.steps.flatMap { step in
                    [
                        "",
                        "-- \(step.name): read on with schema \(step.minReader), write on with "
                            + "\(step.minWriter), or later",
                        step.sql,
                    ]
                }
        } + tasks
    }
}
