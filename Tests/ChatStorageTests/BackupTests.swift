import ChatCore
import ChatTesting
import Foundation
import Testing

@testable import ChatStorage

@Suite("Backups")
struct BackupTests {
    private let temporary: TemporaryVolume

    init() throws { temporary = try TemporaryVolume() }

    private func volume(
        _ store: VolumeManifest.Store, _ engine: VolumeManifest.Engine = .volume
    ) async throws -> Volume {
        let volume = try await Volume.create(
            at: "\(temporary.folder)/volume", store: store, engine: engine, shards: 2)
        try await VolumeMigration(of: volume).run()
        return volume
    }

    private func content(_ volume: Volume) async throws -> ContentHash {
        var content = ContentHash()
        for number in 0..<volume.partsCount {
            let report = try await VolumeVerification.report(
                on: number, of: volume, scratch: temporary.folder)
            #expect(report.faults.isEmpty)
            content.add(report.content)
        }
        return content
    }

    @Test(
        "what was backed up is restored, for every store and engine; only what changed is copied",
        arguments: [
            (VolumeManifest.Store.sqlite, VolumeManifest.Engine.volume), (.sqlite, .portable),
            (.files, .volume),
        ])
    func roundTrip(store: VolumeManifest.Store, engine: VolumeManifest.Engine) async throws {
        let volume = try await volume(store, engine)
        let catalogue = try volume.catalogue(logger: .silent)
        for _ in 0..<6 { try await catalogue.put(ConversionTests.document()) }
        let backup = Backup(of: volume, to: "\(temporary.folder)/backup")
        let first = try await backup.run()
        #expect(first.faults.isEmpty && first.copied == volume.partsCount)
        #expect(first.manifest.parts.reduce(0) { $0 + $1.sessions } == 6)
        #expect(try await backup.run().copied == 0)
        try await catalogue.put(ConversionTests.document())
        #expect(try await backup.run().copied == 1)
        await catalogue.close()
        let target = "\(temporary.folder)/restored"
        _ = try await Restore("\(temporary.folder)/backup", to: target).run()
        let restored = try await Volume.open(at: target)
        #expect(try await content(restored) == content(volume))
        // It can be used.
        let again = try restored.catalogue(logger: .silent)
        try await again.put(ConversionTests.document())
        await again.close()
        #expect(try await content(restored).sessions == 8)
        await expectError(.conflict) {
            try await Restore("\(temporary.folder)/backup", to: target).run()
        }
    }

    @Test("a copy that was disturbed by an emptied log is made again; one that is asked for puts that off")
    func disturbed() async throws {
        let volume = try await volume(.sqlite)
        let file = ShardFile(0, of: 2, volume: volume.folder)
        let request = try #require(try CopyRequest.make(in: file.folder))
        #expect(CopyRequest.isMade(in: file.folder))
        try request.unlock()
        #expect(!CopyRequest.isMade(in: file.folder))
        let copy = try #require(
            try await MigrationLane().copy(
                file, to: "\(temporary.folder)/copy", unless: nil, engine: VolumeEngine(),
                until: .now + .seconds(20)))
        #expect(copy.repetitions == 0)
        #expect(
            try await MigrationLane().copy(
                file, to: "\(temporary.folder)/copy", unless: copy.mark, engine: VolumeEngine(),
                until: .now + .seconds(20)) == nil)
    }

    @Test("a shard whose rows do not fit together is reported", arguments: EngineUnderTest.allCases)
    func faults(_ tested: EngineUnderTest) async throws {
        let volume = try await volume(.sqlite, tested == .volume ? .volume : .portable)
        let catalogue = try volume.catalogue(logger: .silent)
        let document = ConversionTests.document()
        try await catalogue.put(document)
        await catalogue.close()
        let number = ShardFile.number(of: document.session.id, count: 2)
        let connection = try await tested.engine.held(ShardFile(number, of: 2, volume: volume.folder).path)
        try connection.runScript("UPDATE conversation SET message_count = message_count + 1;")
        try connection.close()
        let report = try await VolumeVerification.report(on: number, of: volume, scratch: temporary.folder)
        #expect(report.faults == ["3 conversations count their messages wrongly"])
        #expect(try await Backup(of: volume, to: "\(temporary.folder)/b").run().faults.count == 1)
    }

    @Test("what was deleted is overwritten, in the log too", arguments: EngineUnderTest.allCases)
    func purge(_ tested: EngineUnderTest) async throws {
        let volume = try await volume(.sqlite, tested == .volume ? .volume : .portable)
        let catalogue = try volume.catalogue(logger: .silent)
        let document = ConversionTests.document()
        try await catalogue.put(document)
        #expect(try found("Be brief.") > 0)
        _ = try await catalogue.remove(document.session.id, unusedSince: nil)
        for part in 0..<catalogue.partsCount { try await catalogue.purge(part: part) }
        #expect(try found("Be brief.") == 0)
        // The log is as good as before.
        try await catalogue.put(document)
        #expect(try await catalogue.document(of: document.session.id) == document)
        await catalogue.close()
    }

    /// Files of the volume that hold `text`.
    private func found(_ text: String) throws -> Int {
        try temporary.files().filter { try Data(temporary.read($0)).range(of: Data(text.utf8)) != nil }.count
    }
}
