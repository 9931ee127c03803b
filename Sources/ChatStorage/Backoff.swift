/// Pauses between tries: doubling, and each drawn anew between half and all of it, so that two waiters part.
struct Backoff {
    private var pause: Duration
    private let longest: Duration

    init(first: Duration = .milliseconds(1), longest: Duration = .milliseconds(32)) {
        pause = first
        self.longest = longest
    }

    mutating func next() -> Duration {
        defer { pause = min(pause * 2, longest) }
        return pause * Double.random(in: 0.5...1)
    }
}
