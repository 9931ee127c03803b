import ArgumentParser
import ChatStorage

/// `stoa volume`.
struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume", abstract: "Make a volume, or see what one is.",
        subcommands: [Initialize.self, Show.self, VerifyVolume.self, ExportDatabases.self])

    struct Initialize: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init", abstract: "Make a volume in a folder; one that is there stays as it is.",
            discussion: """
                Writes stoa-volume.json once, however many processes try at once, and
                brings the schema up.

                EXAMPLE:
                  stoa volume init --volume /mnt/stoa --shards 32
                """)

        @OptionGroup var volume: VolumeOptions
        @OptionGroup var new: NewVolumeOptions
        @Flag(help: "Print the manifest as JSON.") var json = false

        func run() async throws {
            try await ExitStatus.reporting {
                try await Doctor.examine(try volume.folder, planned: new) {
                    StandardError.write("stoa: \($0.sentence)")
                }
                let volume = try await new.openOrCreate(at: volume.folder)
                try await Migrate.up(volume)
                try VolumeCommand.describe(volume, asJSON: json)
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what a volume is.",
            discussion: """
                EXAMPLE:
                  stoa volume show --volume /mnt/stoa --json
                """)

        @OptionGroup var volume: VolumeOptions
        @Flag(help: "Print the manifest as JSON.") var json = false

        func run() async throws {
            try await ExitStatus.reporting {
                try VolumeCommand.describe(try await Volume.open(at: volume.folder), asJSON: json)
            }
        }
    }

    fileprivate static func describe(_ volume: Volume, asJSON: Bool) throws {
        if asJSON { return print(try JSONText.of(volume.manifest)) }
        let manifest = volume.manifest
        print("volume   \(manifest.id)")
        print("folder   \(volume.folder)")
        print("store    \(manifest.store.rawValue)")
        if let engine = manifest.engine { print("engine   \(engine.rawValue), \(manifest.shards) shards") }
        print("created  by \(manifest.createdBy)")
    }
}
