import ArgumentParser
import ChatStorage

/// `stoa migrate status`.
struct MigrateStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Print the schema of every shard; changes nothing.",
        discussion: """
            Also says which tasks live and which schema each of them knows. Works while
            tasks serve.

            EXAMPLE:
              stoa migrate status --volume /mnt/stoa --json | jq .current

            EXIT STATUS:
              0 every shard is current, or newer and usable; 65 one is not; 69 the
              volume is away; 75 a shard stayed taken.
            """)

    @OptionGroup var volume: VolumeOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        try await ExitStatus.reporting {
            try await Self.report(try await Volume.open(at: volume.folder), asJSON: json)
        }
    }

    /// Prints how the shards stand.
    /// - Throws: the exit status 65 when one cannot be used.
    static func report(_ volume: Volume, asJSON: Bool) async throws {
        let schema = try await VolumeStore.schemaStatus(of: volume)
        let report = SchemaReport(schema, tasks: try await TaskPresence.living(on: volume))
        if asJSON {
            print(try JSONText.of(report))
        } else if schema.shards.isEmpty {
            print("the store \(volume.manifest.store.rawValue) has no schema")
        } else {
            for line in report.lines { print(line) }
        }
        if schema.refusal != nil { throw ExitCode(ExitStatus.dataError) }
    }
}
