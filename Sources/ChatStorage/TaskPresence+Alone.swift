import ChatCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension TaskPresence {
    /// How long "alone" may be believed without another look: a part of the longest wait that a task which
    /// just started can see.
    package static let aloneMillisecondsMax = 500
    /// How long "not alone" is believed: being wrong costs a few calls, looking costs some as well.
    private static let companyMillisecondsMax = 10_000

    /// What was seen of the other tasks.
    struct Solitude: Sendable {
        var isAlone = false
        var asked: ContinuousClock.Instant?
        var isAsking = false
    }

    /// Whether this is the only task that lives. Does not wait for the volume: an answer that is too old
    /// counts as "no", and has it asked again. Nothing is asked while nobody wants to know.
    package var isAlone: Bool {
        let (isAlone, asks) = solitude.withLock { state -> (Bool, Bool) in
            let age = state.asked.map { $0.duration(to: .now) } ?? .seconds(3_600)
            // Half-way already, so that a task which asks all the time never has to say "no" in between.
            let isDue =
                age
                > .milliseconds(state.isAlone ? Self.aloneMillisecondsMax / 2 : Self.companyMillisecondsMax)
            let asks = isDue && !state.isAsking
            if asks { state.isAsking = true }
            return (state.isAlone && age < .milliseconds(Self.aloneMillisecondsMax), asks)
        }
        if asks { ask() }
        return isAlone
    }

    private func ask() {
        // Not structured: it belongs to all shards that want to know; the lane bounds it.
        Task {
            // Before the look: what starts after it is not in it.
            let asked = ContinuousClock.now
            let isAlone = try? await lane.run(until: .now + .milliseconds(Self.aloneMillisecondsMax)) {
                try self.isAloneOnVolume()
            }
            solitude.withLock { $0 = Solitude(isAlone: isAlone ?? false, asked: asked, isAsking: false) }
        }
    }

    /// One look into the folder; the files of killed tasks are removed on the way. Blocks, on the lane.
    private func isAloneOnVolume() throws -> Bool {
        if try AtomicFile.names(in: folder) == [task.rawValue] { return true }
        try Self.removeDead(in: folder, except: task)
        return try AtomicFile.names(in: folder) == [task.rawValue]
    }
}
