import ArgumentParser

/// The command.
@main
struct Stoa: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stoa",
        abstract: "A chat server whose sessions live on a shared volume.",
        discussion: """
            Start any number of tasks on one volume; any task serves any session at
            any moment.

            EXAMPLES:
              stoa serve --volume /mnt/stoa
              stoa migrate status --volume /mnt/stoa
              stoa volume init --volume /mnt/stoa --shards 32
              stoa doctor /mnt/stoa
              stoa models check
              stoa health --ready
              stoa top

            EXIT STATUS:
              0   done
              64  wrong usage
              65  the volume's content is damaged, or of another format or schema
              69  the volume is missing, read-only, full or away
              70  a defect of Stoa
              75  busy, try again
              doctor has statuses of its own: 0 good, 1 with warnings, 2 refused; and
              models check: 0 all answered, 1 at least one did not; and health: 0 yes,
              1 no
            """,
        version: Version.text,
        subcommands: [
            Serve.self, Health.self, Top.self, Doctor.self, Migrate.self, VolumeCommand.self,
            BackupCommand.self, RestoreCommand.self, ConvertCommand.self, SessionsCommand.self,
            ModelsCommand.self, BenchCommand.self,
            DoctorPeer.self,
        ])
}

extension Stoa {
    /// What starts the file again that this process runs, also when it was replaced meanwhile.
    static var program: String {
        #if os(Linux)
            "/proc/self/exe"
        #else
            CommandLine.arguments[0]
        #endif
    }
}

/// What this program is.
enum Version {
    static let text = "0.1.0"
}
