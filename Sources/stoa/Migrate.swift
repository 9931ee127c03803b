import ArgumentParser
import ChatCore
import ChatStorage

/// `stoa migrate`.
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See or change the schema of a volume's shards.",
        discussion: """
            Migrations are part of the program; each is applied in one transaction per
            shard and recorded with its time, host, duration and checksum. Any number
            of processes may run this at once: one migrates, the others wait.

            EXAMPLES:
              stoa migrate status --volume /mnt/stoa
              stoa migrate up --volume /mnt/stoa
            """,
        subcommands: [Status.self, Up.self])

    /// Brings every shard up.
    static func up(_ volume: Volume, progress: @Sendable (_ shard: Int, _ applied: [Migration]) -> Void)
        async throws
    {
        guard volume.manifest.store == .sqlite else { return }
        try await SQLiteSessionStore.migrate(volume, progress: progress)
    }

    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring every shard up to this program's schema.",
            discussion:
                "Safe to interrupt and to run again: what is done is done, what is not is left as it was.")

        @OptionGroup var volume: VolumeOptions
        @Flag(help: "Print one JSON object at the end.") var json = false

        func run() async throws {
            try await ExitStatus.reporting {
                let volume = try await Volume.open(at: volume.folder)
                let showsProgress = !json && StandardError.isTerminal
                let count = volume.manifest.shards
                try await Migrate.up(volume) { shard, applied in
                    guard showsProgress else { return }
                    let done = applied.isEmpty ? "was current" : applied.map(\.name).joined(separator: ", ")
                    StandardError.write("shard \(shard + 1) of \(count): \(done)")
                }
                try await report(volume, asJSON: json)
            }
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the schema of every shard; changes nothing.",
            discussion: "Exit status 0 when every shard is current, 65 when one is not.")

        @OptionGroup var volume: VolumeOptions
        @Flag(help: "Print one JSON object.") var json = false

        func run() async throws {
            try await ExitStatus.reporting {
                try await report(try await Volume.open(at: volume.folder), asJSON: json)
            }
        }
    }

    /// Prints how the shards stand.
    /// - Throws: the exit status 65 when one is not current.
    fileprivate static func report(_ volume: Volume, asJSON: Bool) async throws {
        let schema = try await VolumeStore.schemaStatus(of: volume)
        if asJSON {
            print(try JSONText.of(SchemaReport(schema)))
        } else if schema.shards.isEmpty {
            print("the store \(volume.manifest.store.rawValue) has no schema")
        } else {
            for line in SchemaReport(schema).lines { print(line) }
        }
        if schema.refusal != nil { throw ExitCode(ExitStatus.dataError) }
    }
}

extension AsyncParsableCommand {
    fileprivate func report(_ volume: Volume, asJSON: Bool) async throws {
        try await Migrate.report(volume, asJSON: asJSON)
    }
}

/// What `stoa migrate status --json` prints.
private struct SchemaReport: Encodable {
    struct Shard: Encodable {
        let shard: Int
        let state: String
        let version: Int
        let pending: [String]
        let problem: String?
    }

    let current: Bool
    let shards: [Shard]

    init(_ schema: VolumeSchema) {
        current = schema.refusal == nil
        shards = schema.shards.enumerated().map { number, status in
            var problem: String?
            if case .drifted(let sentence) = status.state { problem = sentence }
            return Shard(
                shard: number, state: status.state.word, version: status.applied.last?.version ?? 0,
                pending: status.pending.map(\.name), problem: problem)
        }
    }

    /// One line for all shards that stand alike.
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
    }
}
