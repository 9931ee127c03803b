import ArgumentParser
import ChatStorage

/// `stoa migrate baseline`.
struct MigrateBaseline: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "baseline",
        abstract: "Write the history of shards that have tables but no history.",
        discussion: """
            For shards that were brought here by other means. The version is found by
            comparing the tables with this program's migrations; --at only says what is
            expected. Safe to interrupt and to run again.

            EXAMPLE:
              stoa migrate baseline --volume /mnt/stoa --at 5

            EXIT STATUS:
              0 every shard has its history; 65 one has tables that this program does
              not know; 69 the volume is away; 75 a shard stayed taken.
            """)

    @OptionGroup var volume: VolumeOptions
    @Option(help: "The version that the shards are expected to have.") var at: Int?
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        try await ExitStatus.reporting {
            let volume = try await Migrate.database(volume)
            let reports = try await SchemaRepair.baseline(volume, at: at)
            try SchemaRepair.print(reports, of: volume, asJSON: json)
        }
    }
}
