import ChatCore
import ChatTesting
import Testing

@testable import ChatStorage

@Suite("Verification and repair of schemas")
struct SchemaRepairTests {
    private let temporary: TemporaryVolume
    private let volume: Volume

    init() async throws {
        temporary = try TemporaryVolume()
        volume = try await Volume.create(at: temporary.folder, shards: 2)
        try await VolumeMigration(of: volume).run()
    }

    private func change(_ sql: String, shard: Int = 1) async throws {
        let file = ShardFile(shard, of: 2, volume: volume.folder)
        let connection = try await VolumeEngine().held(file.path)
        try connection.runScript(sql)
        try connection.close()
    }

    @Test("a volume that was just made has nothing to repair")
    func good() async throws {
        let reports = try await SchemaRepair.verify(volume)
        #expect(reports.map(\.problems) == [[], []])
        #expect(reports.map(\.version) == [[Migration].embedded.count, [Migration].embedded.count])
        #expect(try await SchemaRepair.repair(volume).flatMap(\.changes).isEmpty)
    }

    @Test("a file that was changed is named, and its checksum corrected when the tables are the same")
    func checksum() async throws {
        try await change("UPDATE schema_migration SET checksum = 'other' WHERE version = 2")
        let problems = try await SchemaRepair.verify(volume).map(\.problems)
        #expect(problems[0].isEmpty && problems[1].first?.contains("0002_parts_by_arrival.sql") == true)
        let repaired = try await SchemaRepair.repair(volume)
        #expect(repaired[1].changes == ["0002_parts_by_arrival.sql was corrected in the history"])
        #expect(try await SchemaRepair.verify(volume).flatMap(\.problems).isEmpty)
        #expect(try await SQLiteSessionStore.schemaStatus(of: volume).allSatisfy { $0.state == .current })
    }

    @Test("tables that no migration made are reported and left as they are")
    func foreignTables() async throws {
        try await change("CREATE TABLE mine (n INTEGER); DROP INDEX message_changes;")
        let report = try await SchemaRepair.repair(volume)[1]
        #expect(
            report.problems == ["index message_changes is missing", "table mine is not the migrations'"])
        #expect(report.version == nil && report.changes.isEmpty)
    }

    @Test("a lost history is written anew, against nobody's better knowledge")
    func baseline() async throws {
        try await change("DROP TABLE schema_migration; PRAGMA user_version = 0;")
        #expect(try await SchemaRepair.repair(volume)[1].changes.isEmpty)
        #expect(try await SchemaRepair.baseline(volume, at: 1)[1].problems.count == 1)
        #expect(try await SchemaRepair.baseline(volume, at: nil)[1].problems.isEmpty)
        #expect(try await SchemaRepair.verify(volume).flatMap(\.problems).isEmpty)
        #expect(try await SQLiteSessionStore.schemaStatus(of: volume).allSatisfy { $0.state == .current })
    }

    @Test("one migrates at a time; who waits in vain is told for whom")
    func oneMigrator() async throws {
        try await change("DELETE FROM schema_migration WHERE version > 4; PRAGMA user_version = 4;")
        let lock = try #require(try await VolumeLock.tryTake(.migrate, in: volume.folder))
        let error = await expectError(.busy) {
            try await VolumeMigration(of: volume, wait: .milliseconds(50)).run()
        }
        #expect(error?.message.contains(Volume.hostName()) == true)
        lock.release()
        #expect(try await VolumeLock.tryTake(.migrate, in: volume.folder) != nil)
    }

    @Test("tasks that could not go on are named, and nothing is done, unless they are meant to stop")
    func staleTasks() async throws {
        let fresh = try TemporaryVolume()
        let volume = try await Volume.create(at: fresh.folder, shards: 1)
        try await VolumeMigration(of: volume, to: 3).run()
        let presence = try await TaskPresence.start(.random(), host: "here", on: volume)
        // This program's tasks know all of its migrations.
        #expect(try await TaskPresence.living(on: volume).map(\.schema) == [[Migration].embedded.count])
        let label = #"{"host":"old-host","pid":1,"started_ms":1,"task":"\#(presence.task)"}"#
        try fresh.write(Array(label.utf8), to: "tasks/\(presence.task)")
        let error = await expectError(.busy) { try await VolumeMigration(of: volume).run() }
        #expect(error?.message.contains("old-host") == true)
        #expect(try await SQLiteSessionStore.schemaStatus(of: volume)[0].version == 3)
        try await VolumeMigration(of: volume, allowsEviction: true).run()
        #expect(try await SQLiteSessionStore.schemaStatus(of: volume)[0].state == .current)
        await presence.end()
    }

    @Test("a rehearsal says what would happen and changes nothing")
    func rehearsal() async throws {
        let fresh = try TemporaryVolume()
        let volume = try await Volume.create(at: fresh.folder, shards: 1)
        try await VolumeMigration(of: volume, to: 2).run()
        let report = try #require(
            try await MigrationRehearsal.run(on: 0, of: volume, to: 4, scratch: temporary.folder))
        #expect(report.applied == ["0003_branches.sql", "0004_running_answers.sql"])
        #expect(report.bytes > 0 && report.faults.isEmpty)
        #expect(try await SQLiteSessionStore.schemaStatus(of: volume)[0].version == 2)
    }
}
