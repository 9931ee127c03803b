/// Keeps what was made last, up to a cost; the oldest goes first.
struct BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let costMax: Int
    private var cost = 0
    private var entries: [Key: (value: Value, cost: Int, turn: Int)] = [:]
    /// Keys in the order they were stored, with the turn that tells a newer entry of the same key apart.
    private var order: [(key: Key, turn: Int)] = []
    private var first = 0
    private var turn = 0

    /// - Parameter costMax: the sum of costs that is kept, in whatever unit ``store(_:for:cost:)`` is told.
    init(costMax: Int) { self.costMax = costMax }

    /// What is kept for `key`.
    subscript(key: Key) -> Value? { entries[key]?.value }

    /// Keeps `value`, unless it alone costs too much.
    mutating func store(_ value: Value, for key: Key, cost added: Int) {
        if let known = entries.removeValue(forKey: key) { cost -= known.cost }
        guard added <= costMax else { return }
        turn += 1
        entries[key] = (value, added, turn)
        order.append((key, turn))
        cost += added
        while cost > costMax { evictOldest() }
        compact()
    }

    private mutating func evictOldest() {
        let oldest = order[first]
        first += 1
        guard let entry = entries[oldest.key], entry.turn == oldest.turn else { return }
        entries[oldest.key] = nil
        cost -= entry.cost
    }

    private mutating func compact() {
        guard first > 1_024 || order.count > 2 * entries.count + 1_024 else { return }
        order = order[first...].filter { entries[$0.key]?.turn == $0.turn }
        first = 0
    }
}
