import ArgumentParser
import ChatStorage

/// `stoa migrate verify`.
struct MigrateVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Compare every shard's history and schema with this program; changes nothing.",
        discussion: """
            Names the file whose checksum differs, and each table, index or trigger that
            is not as the migrations make it. Works while tasks serve; each shard is
            held for some milliseconds.

            EXAMPLE:
              stoa migrate verify --volume /mnt/stoa

            EXIT STATUS:
              0 everything is as it should be; 65 something is not; 69 the volume is
              away; 75 a shard stayed taken.
            """)

    @OptionGroup var volume: VolumeOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        try await ExitStatus.reporting {
            let volume = try await Migrate.database(volume)
            let reports = try await SchemaRepair.verify(volume)
            try SchemaRepair.print(reports, of: volume, asJSON: json)
        }
    }
}
