import ArgumentParser
import ChatCore
import ChatStorage

/// `stoa volume verify`.
struct VerifyVolume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Read all of a volume and say what is wrong with it.",
        discussion: """
            Every page of every shard (integrity_check), every reference, counter and
            session, or every session's file; files that belong to nothing; and a hash
            of the content that does not depend on the store, for comparing volumes.
            Changes nothing. Works while tasks serve: shards are copied one by one and
            the copies are read, which takes room for the largest one in --scratch.

            EXAMPLES:
              stoa volume verify --volume /mnt/stoa
              stoa volume verify --volume /mnt/stoa --json | jq -r .content

            EXIT STATUS:
              0 all of it is sound; 65 something is not; 69 the volume or the scratch
              folder is away or full; 75 a shard stayed taken.
            """)

    @OptionGroup var volume: VolumeOptions
    @Option(help: "Folder for the copy. (default: the system's temporary folder)") var scratch: String?
    @Flag(help: "Print one JSON object at the end.") var json = false

    /// What `--json` prints.
    private struct Report: Encodable {
        struct Part: Encodable {
            let part: String
            let bytes: Int
            let sessions: Int
            let messages: Int
            let faults: [String]
        }

        let volume: String
        let sound: Bool
        let content: String
        let sessions: Int
        let conversations: Int
        let messages: Int
        let bytes: Int
        let parts: [Part]
        let strangers: [String]
    }

    func run() async throws {
        try await ExitStatus.reporting {
            let volume = try await Volume.open(at: volume.folder)
            let scratch = try PathText.scratch(scratch, for: "verify")
            defer { PathText.remove(scratch) }
            let progress = Progress("part", of: volume.partsCount)
            var content = ContentHash()
            var parts: [PartReport] = []
            for number in 0..<volume.partsCount {
                let part = try await VolumeVerification.report(on: number, of: volume, scratch: scratch)
                content.add(part.content)
                parts.append(part)
                progress.advance("\(part.part): \(part.content.messages) messages")
            }
            progress.end()
            let report = Report(
                volume: volume.folder, sound: parts.allSatisfy(\.faults.isEmpty),
                content: content.hexadecimal, sessions: content.sessions,
                conversations: content.conversations, messages: content.messages,
                bytes: parts.reduce(0) { $0 + $1.bytes },
                parts: parts.map {
                    Report.Part(
                        part: $0.part, bytes: $0.bytes, sessions: $0.content.sessions,
                        messages: $0.content.messages, faults: $0.faults)
                },
                strangers: try await VolumeVerification.strangers(on: volume))
            try show(report)
        }
    }

    private func show(_ report: Report) throws {
        if json {
            Swift.print(try JSONText.of(report))
        } else {
            for part in report.parts {
                for fault in part.faults { Swift.print("FAULT \(part.part): \(fault)") }
            }
            for stranger in report.strangers { Swift.print("NOTE \(stranger) belongs to nothing") }
            Swift.print(
                "\(report.parts.count) parts, \(report.sessions) sessions, \(report.conversations) "
                    + "conversations, \(report.messages) messages, \(report.bytes >> 10) KiB")
            Swift.print("content \(report.content)")
            Swift.print(report.sound ? "sound" : "NOT SOUND: see RUNBOOK.md#corrupt-shard")
        }
        if !report.sound { throw ExitCode(ExitStatus.dataError) }
    }
}
