#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Lines for people, beside what a command prints.
enum StandardError {
    /// Whether a person is watching.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes one line, in one write(2), so that lines of several threads do not mix.
    static func write(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        // Nobody can be told that standard error is gone.
        _ = bytes.withUnsafeBytes { unistdWrite(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Writes `line` over the one before it, on a terminal.
    static func writeOver(_ line: String) {
        let bytes = Array("\r\u{1B}[K\(line)".utf8)
        _ = bytes.withUnsafeBytes { unistdWrite(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func unistdWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes, count)
        #elseif canImport(Musl)
            Musl.write(descriptor, bytes, count)
        #else
            Darwin.write(descriptor, bytes, count)
        #endif
    }
}
