import Foundation
import Testing

@testable import ChatStorage

@Suite("examinations of folders", .timeLimit(.minutes(5)))
struct VolumeExaminationTests {
    private static func inFolder(_ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.path + "/stoa examined \(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await body(folder)
    }

    private static func examine(
        _ folder: String, _ depth: VolumeExamination.Depth, peer: [String]? = nil, secondsMax: Int = 60
    ) async throws -> VolumeExamination {
        let peer = try peer ?? [worker(), "examination-peer"]
        return await VolumeExamination.of(folder, depth: depth, peer: peer, secondsMax: secondsMax)
    }

    /// Built beside the test bundle.
    private static func worker() throws -> String {
        let wanted = ProcessInfo.processInfo.environment["STOA_STORAGE_WORKER"]
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path
        let path = wanted ?? beside + "/storage-worker"
        try #require(FileManager.default.isExecutableFile(atPath: path), "no storage-worker at \(path)")
        return path
    }

    private static func severities(_ examination: VolumeExamination) -> [String: Finding.Severity] {
        Dictionary(examination.findings.map { ($0.code, $0.severity) }, uniquingKeysWith: max)
    }

    @Test("a full examination proves everything on a local folder, measures it and leaves nothing behind")
    func full() async throws {
        try await Self.inFolder { folder in
            try "kept".write(toFile: folder + "/other", atomically: true, encoding: .utf8)
            let examination = try await Self.examine(folder, .full)
            let severities = Self.severities(examination)
            for code in [
                "file.fsync", "file.link", "file.append", "file.rename", "lock.flock", "lock.posix",
                "lock.killed",
            ] { #expect(severities[code] == .good, "\(code)") }
            #if os(Linux)
                #expect(severities["lock.ofd"] == .good)
                #expect(severities["lock.ofd_own"] == .good)
            #endif
            #expect(examination.refusal == nil)
            #expect(Set(examination.measurements.map(\.operation)) == Set(Measurement.Operation.allCases))
            for measurement in examination.measurements {
                #expect(measurement.samples >= 1 && measurement.samples <= 16)
                #expect(measurement.medianMilliseconds <= measurement.maxMilliseconds)
            }
            #expect(examination.predictions.count == (examination.mount?.isNFS == true ? 6 : 5))
            #expect((examination.space?.bytes ?? 0) > 0)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["other"])
        }
    }

    @Test("a quick examination proves locks and writes without measuring, in a moment")
    func quick() async throws {
        try await Self.inFolder { folder in
            let start = ContinuousClock.now
            let examination = try await Self.examine(folder, .quick)
            #expect(start.duration(to: .now) < .seconds(20))
            let severities = Self.severities(examination)
            #expect(severities["lock.flock"] == .good && severities["file.fsync"] == .good)
            #expect(examination.measurements.isEmpty && examination.predictions.isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }

    @Test("a folder that does not exist, and a file, are refused")
    func missing() async throws {
        try await Self.inFolder { folder in
            let missing = try await Self.examine(folder + "/none", .quick)
            #expect(missing.refusal?.code == .missing)
            #expect(missing.verdict == .refused)
            let made = await VolumeExamination.of(
                folder + "/made", depth: .quick, peer: [try Self.worker(), "examination-peer"],
                secondsMax: 60,
                creatingFolder: true)
            #expect(made.refusal == nil)
            try "x".write(toFile: folder + "/file", atomically: true, encoding: .utf8)
            let file = try await Self.examine(folder + "/file", .quick)
            #expect(file.refusal?.code == .notAFolder)
        }
    }

    @Test("a damaged manifest is refused, but left to who opens the volume when it is to be served")
    func manifest() async throws {
        try await Self.inFolder { folder in
            try "{}".write(toFile: folder + "/stoa-volume.json", atomically: true, encoding: .utf8)
            #expect(Self.severities(try await Self.examine(folder, .full))["volume.manifest"] == .refused)
            #expect(try await Self.examine(folder, .quick).refusal == nil)
        }
    }

    @Test("the engine portable is refused on NFS, and only there")
    func engine() {
        let refusal = ExaminationSteps.finding(.portable, isNFS: true)
        #expect(refusal?.code == "volume.engine" && refusal?.severity == .refused)
        #expect(ExaminationSteps.finding(.portable, isNFS: false) == nil)
        #expect(ExaminationSteps.finding(.volume, isNFS: true) == nil)
        #expect(ExaminationSteps.finding(nil, isNFS: true) == nil)
    }

    @Test("a folder that takes no files is refused")
    func notWritable() async throws {
        // The superuser may write everywhere but here.
        let folder = geteuid() == 0 ? "/proc/self" : "/"
        let examination = try await Self.examine(folder, .quick)
        #expect(examination.verdict == .refused)
        #expect(examination.refusal?.message.contains(folder) == true)
    }

    @Test("a peer that cannot be started, or ends at once, proves nothing and says so")
    func noPeer() async throws {
        try await Self.inFolder { folder in
            let none = try await Self.examine(folder, .quick, peer: ["/no/such/program"])
            #expect(Self.severities(none)["lock.unproven"] == .warning)
            let dead = try await Self.examine(folder, .quick, peer: ["/bin/true"])
            #expect(Self.severities(dead)["lock.unproven"] == .warning)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }

    @Test("a lock that the peer is given although it is held is refused")
    func lyingPeer() async throws {
        try await Self.inFolder { folder in
            // Says yes to everything, as a file system without locks does.
            let lying = try await Self.examine(
                folder, .quick, peer: ["/bin/sh", "-c", "while read -r line; do echo yes; done", "sh"])
            let refusal = try #require(lying.refusal)
            #expect(refusal.code == .unsupported)
            #expect(refusal.message.contains("two tasks would write at once"))
        }
    }

    @Test("what does not answer in time ends with a sentence, and its peer with it")
    func hanging() async throws {
        try await Self.inFolder { folder in
            let start = ContinuousClock.now
            let hung = try await Self.examine(
                folder, .quick, peer: ["/bin/sh", "-c", "exec sleep 60", "sh"], secondsMax: 1)
            #expect(start.duration(to: .now) < .seconds(20))
            #expect(hung.refusal?.code == .noAnswer)
            #expect(hung.refusal?.message.contains("within 1 s while it was asked for a lock") == true)
        }
    }

    @Test("what a killed examination left behind is removed an hour later, not before")
    func leftovers() async throws {
        try await Self.inFolder { folder in
            for (name, age) in [("old", 7_200.0), ("new", 60.0)] {
                let path = "\(folder)/\(ScratchFolder.prefix)\(name)"
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
                try "x".write(toFile: path + "/lock-flock", atomically: true, encoding: .utf8)
                try FileManager.default.setAttributes(
                    [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: path)
            }
            _ = try await Self.examine(folder, .quick)
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: folder) == [ScratchFolder.prefix + "new"])
        }
    }

    @Test("many examinations of one folder at once do not disturb each other")
    func atOnce() async throws {
        try await Self.inFolder { folder in
            try await withThrowingTaskGroup(of: VolumeExamination.self) { group in
                for _ in 0..<4 { group.addTask { try await Self.examine(folder, .quick) } }
                for try await examination in group { #expect(examination.refusal == nil) }
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
        }
    }

    @Test("the JSON names what machines look for")
    func json() async throws {
        try await Self.inFolder { folder in
            let data = try JSONEncoder().encode(try await Self.examine(folder, .full))
            let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
            #expect(["good", "warning"].contains(object["verdict"] as? String))
            let findings = try #require(object["findings"] as? [[String: Any]])
            #expect(findings.allSatisfy { $0["code"] is String && $0["severity"] is String })
            let measurements = try #require(object["measurements"] as? [[String: Any]])
            #expect(measurements.allSatisfy { $0["median_ms"] is Double && $0["max_ms"] is Double })
        }
    }
}
