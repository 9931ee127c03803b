import ChatStorage
import ChatTesting
import Foundation
import Testing

@Suite("Volume")
struct VolumeTests {
    let folder: TemporaryVolume

    init() throws { folder = try TemporaryVolume() }

    private func expect(
        _ code: VolumeError.Code, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Volume
    ) async {
        do {
            _ = try await body()
            Issue.record("no error, expected \(code)", sourceLocation: sourceLocation)
        } catch let error as VolumeError {
            #expect(error.code == code, sourceLocation: sourceLocation)
            #expect(
                error.message.hasSuffix(".") || error.message.hasSuffix("?"), "\(error)",
                sourceLocation: sourceLocation)
        } catch {
            Issue.record("\(error)", sourceLocation: sourceLocation)
        }
    }

    private func mode(_ path: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder.folder)/\(path)")
        return try #require(attributes[.posixPermissions] as? NSNumber).intValue & 0o777
    }

    @Test("a new volume has its manifest and its folders, for its user only")
    func create() async throws {
        let volume = try await Volume.create(at: folder.folder, store: .sqlite, engine: .portable, shards: 20)
        #expect(
            volume.manifest.format == 1 && volume.manifest.shards == 20 && volume.manifest.engine == .portable
        )
        #expect(volume.manifest.id.utf8.count == 32)
        #expect(volume.shardFolder(19) == "\(folder.folder)/shards/13")
        #expect(try mode("stoa-volume.json") == 0o600)
        for path in ["shards", "shards/00", "shards/13", "tasks"] { #expect(try mode(path) == 0o700) }
        #expect(try folder.files() == ["stoa-volume.json"])
        let text = String(decoding: try folder.read("stoa-volume.json"), as: UTF8.self)
        for word in [
            #""format" : 1"#, #""store" : "sqlite""#, #""engine" : "portable""#, #""shards" : 20"#,
            "created_ms",
        ] {
            #expect(text.contains(word))
        }
        let again = try await Volume.open(at: folder.folder + "/", store: .sqlite, engine: .portable)
        #expect(again.manifest == volume.manifest && again.folder == volume.folder)
    }

    @Test("a volume of files has no engine and no shards")
    func createFiles() async throws {
        let volume = try await Volume.create(at: folder.folder + "/new", store: .files)
        #expect(volume.manifest.engine == nil && volume.manifest.shards == 0)
        #expect(try mode("new/sessions") == 0o700)
    }

    @Test("opening takes what is there; asking for something else is refused")
    func mismatch() async throws {
        let made = try await Volume.create(at: folder.folder, store: .sqlite, engine: .portable, shards: 2)
        #expect(try await Volume.openOrCreate(at: folder.folder, shards: 5).manifest == made.manifest)
        await expect(.otherStore) { try await Volume.open(at: folder.folder, store: .files) }
        await expect(.otherEngine) {
            try await Volume.openOrCreate(at: folder.folder, store: .sqlite, engine: .volume)
        }
        await expect(.otherStore) { try await Volume.create(at: folder.folder, store: .files) }
    }

    @Test("a folder that cannot be a volume is refused in words")
    func refusals() async throws {
        await expect(.missing) { try await Volume.open(at: folder.folder + "/nowhere") }
        await expect(.missing) { try await Volume.openOrCreate(at: folder.folder + "/nowhere/deep") }
        await expect(.noManifest) { try await Volume.open(at: folder.folder) }
        try folder.write(Array("x".utf8), to: "file")
        await expect(.notAFolder) { try await Volume.open(at: folder.folder + "/file") }
        await expect(.notAFolder) { try await Volume.openOrCreate(at: folder.folder + "/file") }
        await expect(.notAFolder) { try await Volume.openOrCreate(at: folder.folder + "/file/below") }
    }

    @Test("a folder named from where the process stands becomes an absolute one", arguments: ["", "./"])
    func relativeFolder(prefix: String) async throws {
        let name = "stoa-relative-\(UInt32.random(in: 0 ... .max))"
        let volume = try await Volume.openOrCreate(at: prefix + name, store: .sqlite, shards: 1)
        defer { try? FileManager.default.removeItem(atPath: volume.folder) }
        #expect(volume.folder == FileManager.default.currentDirectoryPath + "/" + name)
        try await SQLiteSessionStore.migrate(volume)
    }

    private static let tail = #","created_ms":1,"created_by":"h"}"#

    @Test(
        "a damaged manifest is refused and left as it is",
        arguments: [
            "", "{", "[]", #"{"format": "1"}"#, #"{"format": 1}"#,
            #"{"format":1,"id":"a","store":"sqlite","shards":0,"engine":"volume"\#(tail)"#,
            #"{"format":1,"id":"a","store":"sqlite","shards":4\#(tail)"#,
            #"{"format":1,"id":"a","store":"tape","shards":4,"engine":"volume"\#(tail)"#,
        ])
    func damaged(_ text: String) async throws {
        try folder.write(Array(text.utf8), to: "stoa-volume.json")
        await expect(.malformedManifest) { try await Volume.open(at: folder.folder) }
        await expect(.malformedManifest) { try await Volume.openOrCreate(at: folder.folder) }
        #expect(try folder.read("stoa-volume.json") == Array(text.utf8))
    }

    @Test("a newer format is refused, whatever its fields")
    func newer() async throws {
        try folder.write(Array(#"{"format": 2, "layout": {}}"#.utf8), to: "stoa-volume.json")
        await expect(.newerFormat) { try await Volume.openOrCreate(at: folder.folder) }
    }

    @Test("data without a manifest gets no new one, which would lose it")
    func lostManifest() async throws {
        _ = try await Volume.create(at: folder.folder, store: .files)
        try FileManager.default.removeItem(atPath: folder.folder + "/stoa-volume.json")
        await expect(.lostManifest) { try await Volume.openOrCreate(at: folder.folder) }
        #expect(try folder.files().isEmpty)
    }

    @Test("an error of the file system comes with what to do about it")
    func advice() {
        #expect(SystemCallError("write", ENOSPC).advice == "the volume is full")
        #expect(SystemCallError("open", EROFS).advice == "the volume is mounted read-only")
        #expect(SystemCallError("open", EINVAL).advice == nil)
    }

    @Test("a folder that may not be written is refused", .enabled(if: geteuid() != 0))
    func notWritable() async throws {
        _ = try await Volume.create(at: folder.folder, store: .files)
        chmod(folder.folder, 0o500)
        await expect(.notWritable) { try await Volume.open(at: folder.folder) }
        chmod(folder.folder, 0o300)
        await expect(.unreadable) { try await Volume.open(at: folder.folder) }
        chmod(folder.folder, 0o700)
    }

    @Test("tasks of one process that start at once agree on one volume")
    func race() async throws {
        let path = folder.folder
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for index in 0..<16 {
                group.addTask { try await Volume.openOrCreate(at: path, shards: index + 1).manifest.id }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        #expect(try folder.files() == ["stoa-volume.json"])
    }

    @Test("processes that start at once agree on one volume")
    func processRace() async throws {
        for round in 0..<3 {
            let path = "\(folder.folder)/\(round)"
            let workers = try (0..<6).map { _ in try WorkerProcess("open", path, "--store", "sqlite") }
            var ids = Set<String?>()
            for worker in workers {
                ids.insert(try await worker.nextLine())
                #expect(try await worker.finish() == 0)
            }
            #expect(ids == [try await Volume.open(at: path).manifest.id])
        }
        #expect(try folder.files().count == 3)
    }
}
