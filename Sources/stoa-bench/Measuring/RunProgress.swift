import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Shows on standard error what runs and how long the rest will take: one line that is written over on a
/// terminal, else a line for each stretch.
final class RunProgress: Sendable {
    private struct State {
        var done = 0
        var label = ""
    }

    private let total: Int
    private let expected: Double
    private let isQuiet: Bool
    private let isTerminal = isatty(STDERR_FILENO) == 1
    private let began = ContinuousClock.now
    private let state = Mutex(State())

    /// - Parameters:
    ///   - total: stretches of load.
    ///   - expected: seconds that one takes, before any was seen.
    init(total: Int, expected: Double, isQuiet: Bool) {
        self.total = total
        self.expected = expected
        self.isQuiet = isQuiet
    }

    func begin(_ label: String) {
        let (done, label) = state.withLock { state in
            state.label = label
            return (state.done, state.label)
        }
        show("[\(done)/\(total)] \(label), \(left(done))")
    }

    func end() { state.withLock { $0.done += 1 } }

    /// A sentence that stays.
    func say(_ text: String) {
        if isTerminal && !isQuiet { Self.write("\r\u{1B}[K") }
        Self.write(text + "\n")
    }

    /// Nothing more comes.
    func finish() {
        if isTerminal && !isQuiet { Self.write("\r\u{1B}[K") }
    }

    private func left(_ done: Int) -> String {
        let seen = began.duration(to: .now) / .seconds(1)
        let each = done > 0 ? seen / Double(done) : expected
        let seconds = Int((each * Double(total - done)).rounded(.up))
        return seconds >= 120 ? "\(seconds / 60) min left" : "\(seconds) s left"
    }

    private func show(_ line: String) {
        guard !isQuiet else { return }
        Self.write(isTerminal ? "\r\u{1B}[K\(line)" : line + "\n")
    }

    /// In one write(2). Nobody can be told that standard error is gone.
    static func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = systemWrite(STDERR_FILENO, bytes, bytes.count)
    }
}

/// write(2), whose name is also a method's.
private func systemWrite(_ descriptor: Int32, _ bytes: [UInt8], _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
