#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Paths as people type them.
enum PathText {
    /// Absolute and without a slash at its end.
    static func absolute(_ path: String) -> String {
        var path = URL(filePath: path).standardizedFileURL.path(percentEncoded: false)
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// A folder of this process's own, made in `parent` or in the system's temporary folder.
    /// - Throws: the exit status 69.
    static func scratch(_ parent: String?, for purpose: String) throws -> String {
        let parent = parent ?? FileManager.default.temporaryDirectory.path(percentEncoded: false)
        let folder =
            absolute(parent) + "/stoa-\(purpose)-\(ProcessInfo.processInfo.processIdentifier)"
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        } catch {
            throw ExitStatus.fail("\(folder) cannot be made", ExitStatus.unavailable)
        }
        return folder
    }

    /// Removes what ``scratch(_:for:)`` made.
    static func remove(_ folder: String) { try? FileManager.default.removeItem(atPath: folder) }
}
