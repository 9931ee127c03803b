#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An empty folder for one test, removed with all that is in it when the value ends.
///
/// It lies in `STOA_TEST_VOLUME` if that is set (an NFS mount, say), else in the system's temporary folder.
package final class TemporaryVolume: Sendable {
    /// Its path.
    package let folder: String

    /// Makes the folder.
    package init() throws {
        let parent =
            ProcessInfo.processInfo.environment["STOA_TEST_VOLUME"]
            ?? FileManager.default.temporaryDirectory.path
        folder = "\(parent)/stoa-test-\(UInt64.random(in: .min ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The paths of all files below the folder, relative to it, sorted.
    package func files() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder).sorted().filter { path in
            var isFolder = false
            return FileManager.default.fileExists(atPath: "\(folder)/\(path)", isDirectory: &isFolder)
                && !isFolder
        }
    }

    /// The bytes of a file, by its path relative to the folder.
    package func read(_ path: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(folder)/\(path)")))
    }

    /// Puts bytes into a file, in place.
    package func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
        try Data(bytes).write(to: URL(filePath: "\(folder)/\(path)"))
    }
}
