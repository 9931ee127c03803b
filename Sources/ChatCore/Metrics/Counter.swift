import Synchronization

/// A count that only grows. Counting is one atomic addition: it waits for nobody and makes nothing.
package final class Counter: Sendable {
    private let total = Atomic(0)

    /// From zero.
    package init() {}

    /// Counts `count` more.
    package func add(_ count: Int = 1) { total.add(count, ordering: .relaxed) }

    /// The count so far.
    package var value: Int { total.load(ordering: .relaxed) }
}

/// How many of something there are now.
package final class Gauge: Sendable {
    private let present = Atomic(0)

    /// None yet.
    package init() {}

    /// One more.
    package func increment() { present.add(1, ordering: .relaxed) }

    /// One less.
    package func decrement() { present.subtract(1, ordering: .relaxed) }

    /// How many there are.
    package var value: Int { present.load(ordering: .relaxed) }
}
