#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The examination's end of an ``ExaminationPeer``. Every call blocks, but not for longer than it says.
final class PeerProcess {
    /// The peer ended, or said nothing that can be understood: nothing is proven.
    struct Gone: Error {}

    /// A peer asks the volume, which may take its time: whoever waits for all ends the peer before.
    private static let answerMillisecondsMax: Int32 = 120_000

    private let child: pid_t
    private let socket: Int32
    private let record: ExaminationRecord
    private var unread: [UInt8] = []
    private var isGone = false

    /// Starts `command` with `folder` as its last argument.
    ///
    /// One socket is its standard input and output: it ends when this process does, whatever the reason, and
    /// writing to it when it is gone is an error instead of a SIGPIPE.
    init(_ command: [String], folder: String, record: ExaminationRecord) throws {
        var ends: [Int32] = [-1, -1]
        try systemCall("socketpair") { socketpair(AF_UNIX, Self.stream, 0, &ends) }
        // Before anything can start another process that would inherit them.
        for end in ends { try systemCall("fcntl") { fcntl(end, F_SETFD, FD_CLOEXEC) } }
        socket = ends[0]
        self.record = record
        defer { close(ends[1]) }
        do {
            child = try Self.start(command + [folder], standardStreams: ends[1])
        } catch {
            close(ends[0])
            throw error
        }
        record.peer(is: child)
        #if !os(Linux)
            var on: Int32 = 1
            setsockopt(socket, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
        #endif
    }

    private static func start(_ arguments: [String], standardStreams end: Int32) throws -> pid_t {
        #if os(Linux)
            var actions = posix_spawn_file_actions_t()
        #else
            var actions: posix_spawn_file_actions_t?
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The copies that dup2 makes are not close-on-exec.
        posix_spawn_file_actions_adddup2(&actions, end, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, end, STDOUT_FILENO)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var child = pid_t()
        let code = posix_spawn(&child, arguments[0], &actions, nil, &words, environ)
        guard code == 0 else { throw SystemCallError("posix_spawn", code) }
        return child
    }

    deinit {
        end()
        close(socket)
    }

    /// Sends one command and returns the answer.
    /// - Throws: `SystemCallError`, the peer's own; `Gone`.
    func ask(_ line: String) throws -> String {
        try send(line)
        return try answer()
    }

    func send(_ line: String) throws {
        let bytes = Array("\(line)\n".utf8)
        // A line is far shorter than a socket's buffer: it goes at once and whole.
        guard (try? systemCall("send") { Self.systemSend(socket, bytes) }) != nil else { throw Gone() }
    }

    func answer() throws -> String {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: unread[..<end], as: UTF8.self)
                unread.removeFirst(end + 1)
                let words = line.split(separator: " ", maxSplits: 2)
                if words.count == 3, words[0] == "error", let code = Int32(words[1]) {
                    throw SystemCallError(String(words[2]), code)
                }
                return line
            }
            var readable = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            guard try systemCall("poll", { poll(&readable, 1, Self.answerMillisecondsMax) }) > 0 else {
                throw Gone()
            }
            var buffer = [UInt8](repeating: 0, count: 4_096)
            let count = (try? systemCall("read") { read(socket, &buffer, buffer.count) }) ?? 0
            if count == 0 { throw Gone() }
            unread += buffer[..<count]
        }
    }

    /// kill -9, and waits until it is gone, 1 s at most: one in a call that hangs is left to the kernel.
    func end() {
        guard !isGone else { return }
        isGone = true
        record.peer(is: nil)
        kill(child, SIGKILL)
        for _ in 0..<1_000 {
            if waitpid(child, nil, WNOHANG) != 0 { return }
            usleep(1_000)
        }
    }

    #if canImport(Glibc)
        private static let stream = Int32(SOCK_STREAM.rawValue)
    #else
        private static let stream = SOCK_STREAM
    #endif

    private static func systemSend(_ socket: Int32, _ bytes: [UInt8]) -> Int {
        #if canImport(Glibc)
            Glibc.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        #elseif canImport(Musl)
            Musl.send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        #else
            Darwin.send(socket, bytes, bytes.count, 0)
        #endif
    }
}
