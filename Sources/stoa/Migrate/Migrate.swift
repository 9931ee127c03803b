import ArgumentParser
import ChatCore
import ChatStorage

/// `stoa migrate`.
struct Migrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "See, rehearse or change the schema of a volume's shards.",
        discussion: """
            Migrations are part of the program; each is applied in one transaction per
            shard and recorded with its time, host, duration and checksum. One process
            migrates a volume at a time, on all hosts; others wait, and say for whom.
            Each migration names the oldest program that can go on reading and writing
            (min_reader, min_writer): a task that is older refuses the shard, and `up`
            asks first whether such a task lives.

            EXAMPLES:
              stoa migrate status --volume /mnt/stoa
              stoa migrate plan --volume /mnt/stoa
              stoa migrate up --volume /mnt/stoa --dry-run
              stoa migrate up --volume /mnt/stoa
            """,
        subcommands: [
            MigrateStatus.self, MigratePlan.self, MigrateUp.self, MigrateVerify.self, MigrateRepair.self,
            MigrateBaseline.self, MigrateNew.self,
        ])

    /// Brings every shard up before a task serves; what happens goes to `report`.
    static func up(_ volume: Volume, report: @Sendable (VolumeMigration.Event) -> Void = { _ in })
        async throws
    {
        try await VolumeMigration(of: volume).run(report: report)
    }

    /// The volume, if it has a schema.
    /// - Throws: the exit status 65 for a store without one.
    static func database(_ options: VolumeOptions) async throws -> Volume {
        let volume = try await Volume.open(at: options.folder)
        guard volume.manifest.store == .sqlite else {
            throw ExitStatus.fail(
                "the store \(volume.manifest.store.rawValue) has no schema", ExitStatus.dataError)
        }
        return volume
    }
}
