import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Shows on standard error how far a command has come: one line that is written over, with rate and time
/// left, on a terminal; else plain lines, at most one every ``lineSecondsMin``.
final class Progress: Sendable {
    private static let lineSecondsMin = 5.0
    private static let frameSecondsMin = 0.1

    private struct State {
        var done = 0
        var total: Int
        var shown: ContinuousClock.Instant?
        var isLineOpen = false
    }

    private let noun: String
    private let start = ContinuousClock.now
    private let isTerminal = StandardError.isTerminal
    private let state: Mutex<State>

    /// - Parameters:
    ///   - noun: what is counted, in the singular.
    ///   - total: how many there will be; 0 is unknown.
    init(_ noun: String, of total: Int = 0) {
        self.noun = noun
        state = Mutex(State(total: total))
    }

    /// Some more are done.
    func advance(by count: Int = 1, _ detail: String = "") {
        show(detail) { $0.done += count }
    }

    /// So many are done, of so many.
    func set(_ done: Int, of total: Int, _ detail: String = "") {
        show(detail) { ($0.done, $0.total) = (done, total) }
    }

    /// Nothing more comes: the line is left as it is.
    func end() {
        let isOpen = state.withLock { state in
            defer { state.isLineOpen = false }
            return state.isLineOpen
        }
        if isOpen { StandardError.write("") }
    }

    private func show(_ detail: String, _ change: (inout State) -> Void) {
        let now = ContinuousClock.now
        let text = state.withLock { state -> String? in
            change(&state)
            let pause = isTerminal ? Self.frameSecondsMin : Self.lineSecondsMin
            let isLast = isTerminal && state.total > 0 && state.done >= state.total
            if !isLast, now < (state.shown ?? start) + .seconds(pause) { return nil }
            state.shown = now
            state.isLineOpen = isTerminal
            return line(state, detail, seconds: start.duration(to: now) / .seconds(1))
        }
        guard let text else { return }
        if isTerminal {
            StandardError.writeOver(text)
        } else {
            StandardError.write(text)
        }
    }

    private func line(_ state: State, _ detail: String, seconds: Double) -> String {
        let rate = seconds > 0 ? Double(state.done) / seconds : 0
        var line = "\(noun) \(state.done)"
        if state.total > 0 { line += " of \(state.total)" }
        line += ", \(rate >= 10 ? String(Int(rate)) : "\((rate * 10).rounded() / 10)")/s"
        if state.total > state.done, rate > 0 {
            line += ", \(Int((Double(state.total - state.done) / rate).rounded(.up))) s left"
        }
        return detail.isEmpty ? line : "\(line)  \(detail)"
    }
}
