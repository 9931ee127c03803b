import ChatCore
import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A terminal that shows one picture after the other, on the other screen, so that what was there before is
/// there again afterwards.
final class TopScreen {
    private static let stepMilliseconds = 100

    private let before: termios
    private let interrupted = Mutex(false)
    private var sources: [any DispatchSourceSignal] = []

    /// Whether a person is watching.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 && isatty(STDIN_FILENO) == 1 }

    /// Takes the terminal until ``leave()``.
    init() {
        var settings = termios()
        tcgetattr(STDIN_FILENO, &settings)
        before = settings
        // Keys come at once and are not shown; signals still are signals.
        settings.c_lflag &= ~tcflag_t(ICANON | ECHO)
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
        for number in [SIGINT, SIGTERM, SIGHUP] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in self?.interrupted.withLock { $0 = true } }
            source.activate()
            sources.append(source)
        }
        // The other screen, without a cursor.
        Self.write("\u{1B}[?1049h\u{1B}[?25l")
    }

    /// Gives the terminal back as it was.
    func leave() {
        for source in sources { source.cancel() }
        Self.write("\u{1B}[?25h\u{1B}[?1049l")
        var settings = before
        tcsetattr(STDIN_FILENO, TCSANOW, &settings)
    }

    /// Rows and columns.
    var size: (rows: Int, columns: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0, size.ws_col > 0 else {
            return (24, 80)
        }
        return (Int(size.ws_row), Int(size.ws_col))
    }

    /// Shows lines from the top; what is too wide is cut off.
    func show(_ lines: [String]) {
        let (rows, columns) = size
        let cut = lines.prefix(rows).map { String($0.prefix(columns)) }
        // Drawn over the last picture, line by line: it does not flicker.
        Self.write("\u{1B}[H" + cut.joined(separator: "\u{1B}[K\r\n") + "\u{1B}[K\u{1B}[J")
    }

    /// Waits for the next picture.
    /// - Returns: false when somebody pressed q or sent a signal.
    func pause(_ duration: Duration) async -> Bool {
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end {
            if interrupted.withLock({ $0 }) || Self.isQuitPressed { return false }
            try? await Task.sleep(for: .milliseconds(Self.stepMilliseconds))
        }
        return !interrupted.withLock { $0 }
    }

    private static var isQuitPressed: Bool {
        var waiting = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        while poll(&waiting, 1, 0) > 0 {
            var key: UInt8 = 0
            guard read(STDIN_FILENO, &key, 1) == 1 else { return true }
            if key == UInt8(ascii: "q") { return true }
        }
        return false
    }

    private static func write(_ text: String) {
        print(text, terminator: "")
        flush()
    }

    /// Lets what was printed be seen.
    static func flush() { fflush(nil) }
}
