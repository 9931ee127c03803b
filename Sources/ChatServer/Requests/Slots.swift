import Synchronization

/// A bound on how many things go on at once.
final class Slots: Sendable {
    /// How many may be taken at once.
    let countMax: Int
    private let taken = Mutex(0)

    /// - Parameter countMax: how many may be taken at once.
    init(countMax: Int) { self.countMax = countMax }

    /// How many are taken now.
    var count: Int { taken.withLock { $0 } }

    /// A place, or nil when all are taken.
    func take() -> Slot? {
        let isFree = taken.withLock { taken in
            guard taken < countMax else { return false }
            taken += 1
            return true
        }
        return isFree ? Slot(of: self) : nil
    }

    fileprivate func giveBack() { taken.withLock { $0 -= 1 } }
}

/// A place among the bounded; given back when nobody holds it any more. A response that is never written (its
/// client left before the head was sent) runs no code of ours, but it is dropped.
final class Slot: Sendable {
    private let slots: Slots

    fileprivate init(of slots: Slots) { self.slots = slots }

    deinit { slots.giveBack() }
}
