import Synchronization

#if canImport(Glibc)
    package import Glibc
#elseif canImport(Musl)
    package import Musl
#else
    package import Darwin
#endif

/// Another process, for tests that one process cannot make: it is spoken to line by line, and is gone when
/// this value is.
///
/// Tests start processes in parallel, and a pipe's end that leaked into another child would keep a reader
/// waiting for an end that never comes: so one process is started at a time, and no end of a pipe outlives an
/// exec.
package final class ChildProcess {
    private static let starting = Mutex(())

    /// A call that failed, and its error number.
    package struct Failure: Error {
        package let call: String
        package let code: Int32
    }

    /// Its id.
    package let processIdentifier: pid_t
    private var input: Int32
    private let output: Int32
    private var unread: [UInt8] = []
    private var status: Int32?

    /// Starts `arguments[0]` with the environment of this process; its standard error is this process's.
    package init(_ arguments: [String]) throws {
        (processIdentifier, input, output) = try Self.starting.withLock { _ in try Self.start(arguments) }
    }

    private static func start(_ arguments: [String]) throws -> (child: pid_t, input: Int32, output: Int32) {
        let toChild = try pipe()
        let fromChild = try pipe()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The copies that dup2 makes are not close-on-exec.
        posix_spawn_file_actions_adddup2(&actions, toChild.read, 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild.write, 1)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var child = pid_t()
        let code = posix_spawnp(&child, arguments[0], &actions, nil, &words, environ)
        close(toChild.read)
        close(fromChild.write)
        guard code == 0 else {
            close(toChild.write)
            close(fromChild.read)
            throw Failure(call: "posix_spawn \(arguments[0])", code: code)
        }
        return (child, toChild.write, fromChild.read)
    }

    deinit {
        closeInput()
        close(output)
        kill()
        // After SIGKILL this does not wait for anything that could hang.
        if status == nil { waitpid(processIdentifier, nil, 0) }
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        let code = ends.withUnsafeMutableBufferPointer { systemPipe($0.baseAddress) }
        guard code == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            throw Failure(call: "pipe", code: errno)
        }
        return (ends[0], ends[1])
    }

    private static func systemPipe(_ ends: UnsafeMutablePointer<Int32>?) -> Int32 {
        #if canImport(Glibc)
            Glibc.pipe(ends)
        #elseif canImport(Musl)
            Musl.pipe(ends)
        #else
            Darwin.pipe(ends)
        #endif
    }

    // MARK: Speaking

    /// Sends one line.
    package func send(_ line: String) throws {
        let bytes = Array("\(line)\n".utf8)
        guard write(input, bytes, bytes.count) == bytes.count else {
            throw Failure(call: "write", code: errno)
        }
    }

    /// Ends its standard input.
    package func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// The next line it says, nil at its end. Blocks, so only where the answer comes at once.
    package func answer() -> String? {
        while true {
            if let line = takeLine() { return line }
            if !readMore() { return nil }
        }
    }

    /// The next line it says, nil at its end; waits without blocking.
    package func nextLine() async throws -> String? {
        while true {
            if let line = takeLine() { return line }
            var descriptor = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
            if poll(&descriptor, 1, 0) == 0 {
                try await Task.sleep(for: .milliseconds(5))
            } else if !readMore() {
                return nil
            }
        }
    }

    private func takeLine() -> String? {
        guard let end = unread.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { unread.removeFirst(end + 1) }
        return String(decoding: unread[..<end], as: UTF8.self)
    }

    private func readMore() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        let count = read(output, &buffer, buffer.count)
        if count > 0 { unread += buffer[..<count] }
        return count > 0 || (count < 0 && errno == EINTR)
    }

    // MARK: Its end

    /// kill -9.
    package func kill() {
        if isRunning { _ = signal(SIGKILL) }
    }

    private func signal(_ number: Int32) -> Int32 {
        #if canImport(Glibc)
            Glibc.kill(processIdentifier, number)
        #elseif canImport(Musl)
            Musl.kill(processIdentifier, number)
        #else
            Darwin.kill(processIdentifier, number)
        #endif
    }

    /// Whether it still runs.
    package var isRunning: Bool {
        guard status == nil else { return false }
        var raw: Int32 = 0
        guard waitpid(processIdentifier, &raw, WNOHANG) != 0 else { return true }
        // The exit status, or 128 and the signal, as a shell says it.
        status = raw & 0x7f == 0 ? (raw >> 8) & 0xff : 128 + (raw & 0x7f)
        return false
    }

    /// Waits for its end.
    /// - Returns: its exit status; 128 and the number of the signal that ended it.
    package func waitForExit() async throws -> Int32 {
        while isRunning { try await Task.sleep(for: .milliseconds(5)) }
        return status ?? -1
    }
}
