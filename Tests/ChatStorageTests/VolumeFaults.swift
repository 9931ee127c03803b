import CVolumeVFS
import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Faults in the system calls of the VFS "volume", for the shards below one folder only: other tests run at
/// the same time in this process.
///
/// Installed once and never taken out: C functions cannot carry a context, so who fails is found by path
/// when a file is opened.
final class VolumeFaults: Sendable {
    enum Call: Hashable, Sendable { case lock, read, write, sync }

    private struct State {
        /// By folder.
        var faults: [String: [Call: (errno: Int32, skip: Int, count: Int, after: Bool)]] = [:]
        var folders: [Int32: String] = [:]
        /// Whose every call fails: an NFS client's files after a lost lease.
        var dead: Set<Int32> = []
    }

    private static let state = Mutex(State())
    private static let installed: Void = install()
    private let folder: String

    init(below folder: String) {
        _ = Self.installed
        self.folder = folder
    }

    /// Fails calls of one kind: `skip` of them succeed, then `count` fail with `error`.
    /// - Parameter after: the call does its work and then says that it failed.
    func fail(_ call: Call, _ error: Int32, skip: Int = 0, count: Int = 1, after: Bool = false) {
        Self.state.withLock { $0.faults[folder, default: [:]][call] = (error, skip, count, after) }
    }

    /// Makes every call on the files that are open now fail with EIO, for ever.
    func loseLease() {
        Self.state.withLock { state in
            for (file, folder) in state.folders where folder == self.folder { state.dead.insert(file) }
        }
    }

    func heal() { Self.state.withLock { $0.faults[folder] = nil } }

    private static func verdict(_ call: Call, _ file: Int32) -> (errno: Int32, after: Bool)? {
        state.withLock { state in
            if state.dead.contains(file) { return (EIO, false) }
            guard let folder = state.folders[file], var fault = state.faults[folder]?[call] else {
                return nil
            }
            defer { state.faults[folder]?[call] = fault }
            if fault.skip > 0 {
                fault.skip -= 1
                return nil
            }
            guard fault.count > 0 else { return nil }
            fault.count -= 1
            return (fault.errno, fault.after)
        }
    }

    private static func perform<Result: SignedInteger>(
        _ call: Call, _ file: Int32, _ body: () -> Result
    ) -> Result {
        let verdict = verdict(call, file)
        if let verdict, !verdict.after {
            errno = verdict.errno
            return -1
        }
        let result = body()
        if let verdict {
            errno = verdict.errno
            return -1
        }
        return result
    }

    private static func install() {
        var calls = volume_real_calls()
        calls.open = { path, flags, mode in
            let file = volume_real_calls().open(path, flags, mode)
            if file >= 0, let path {
                let folder = (String(cString: path) as NSString).deletingLastPathComponent
                VolumeFaults.state.withLock { $0.folders[file] = folder }
            }
            return file
        }
        calls.close = { file in
            // Forgotten first: afterwards the number may be another file's at once.
            VolumeFaults.state.withLock {
                $0.folders[file] = nil
                $0.dead.remove(file)
            }
            return volume_real_calls().close(file)
        }
        calls.lock = { file, type, at, length in
            VolumeFaults.perform(.lock, file) { volume_real_calls().lock(file, type, at, length) }
        }
        calls.pread = { file, to, amount, at in
            VolumeFaults.perform(.read, file) { volume_real_calls().pread(file, to, amount, at) }
        }
        calls.pwrite = { file, from, amount, at in
            VolumeFaults.perform(.write, file) { volume_real_calls().pwrite(file, from, amount, at) }
        }
        calls.sync = { file in VolumeFaults.perform(.sync, file) { volume_real_calls().sync(file) } }
        volume_set_calls(&calls)
    }
}
