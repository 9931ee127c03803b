import NIOPosix

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Small files of the host, read on a thread that may block.
enum HostFile {
    private static let bytesMax = 1 << 20

    /// The text of the file; nil when it cannot be read, is no UTF-8 or longer than a mebibyte.
    /// - Throws: only when the process is ending.
    static func text(_ path: String) async throws -> String? {
        try await NIOThreadPool.singleton.runIfActive {
            guard let data = FileManager.default.contents(atPath: path), data.count <= bytesMax else {
                return nil
            }
            return String(validating: data, as: UTF8.self)
        }
    }
}
