import Synchronization

/// What happened, counted.
package final class Tally: Sendable {
    private struct State {
        var counts = [String: Int]()
        var latencies = [Duration]()
        var lastAnswered = ContinuousClock.now
        var silence = Duration.zero
    }

    private let state = Mutex(State())

    package init() {}

    /// Something happened once more.
    package func count(_ what: String) { state.withLock { $0.counts[what, default: 0] += 1 } }

    /// A call was answered with success, after this long, its repetitions included.
    package func time(_ latency: Duration) {
        state.withLock { state in
            state.latencies.append(latency)
            state.silence = max(state.silence, state.lastAnswered.duration(to: .now))
            state.lastAnswered = .now
        }
    }

    /// `name=number` words. `silence_ms` is the longest time in which no call at all was answered.
    package func summary(seconds: Double) -> String {
        state.withLock { state in
            let sorted = state.latencies.sorted()
            func quantile(_ share: Double) -> Duration {
                sorted.isEmpty ? .zero : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
            }
            let counts = state.counts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            let times = [
                "p50_ms": quantile(0.5), "p99_ms": quantile(0.99), "max_ms": quantile(1),
                "silence_ms": state.silence,
            ].sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.milliseconds($0.value))" }
            let writes = ["writes=\(sorted.count)", "writes_per_s=\(Int(Double(sorted.count) / seconds))"]
            return (counts + writes + times).joined(separator: " ")
        }
    }

    /// To the microsecond.
    package static func milliseconds(_ duration: Duration) -> Double {
        (duration / .microseconds(1)).rounded() / 1_000
    }
}
