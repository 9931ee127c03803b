/// The two bytes of a database's header that differ between the volume engine's files and ordinary ones
/// (`CVolumeVFS`, volume_page1.c; fileformat2.html 1.3.3).
enum DatabaseHeader {
    private static let versions = 18...19

    /// Makes the header that of an ordinary database in a rollback mode, which any SQLite opens.
    static func makeOrdinary(_ bytes: inout [UInt8]) { set(1, in: &bytes) }

    /// Makes the header what `engine` expects on a volume.
    static func makeShard(_ bytes: inout [UInt8], of engine: VolumeManifest.Engine) {
        set(engine == .volume ? UInt8(ascii: "S") : 1, in: &bytes)
    }

    private static func set(_ version: UInt8, in bytes: inout [UInt8]) {
        for index in versions where index < bytes.count { bytes[index] = version }
    }
}
