import ArgumentParser
import ChatStorage

/// `stoa migrate repair`.
struct MigrateRepair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repair",
        abstract: "Correct a history that does not say what a shard's schema is.",
        discussion: """
            Rewrites names, checksums and version of a shard whose tables are exactly those
            of one of this program's versions, after somebody changed a migration's
            file or the history. Tables are never touched: a shard that is none of
            these is reported and left as it is. Works while tasks serve; safe to
            interrupt and to run again.

            EXAMPLE:
              stoa migrate verify --volume /mnt/stoa; stoa migrate repair --volume /mnt/stoa

            EXIT STATUS:
              0 everything is as it should be now; 65 something could not be repaired;
              69 the volume is away; 75 a shard stayed taken.
            """)

    @OptionGroup var volume: VolumeOptions
    @Flag(help: "Print one JSON object.") var json = false

    func run() async throws {
        try await ExitStatus.reporting {
            let volume = try await Migrate.database(volume)
            let reports = try await SchemaRepair.repair(volume)
            try SchemaRepair.print(reports, of: volume, asJSON: json)
        }
    }
}
