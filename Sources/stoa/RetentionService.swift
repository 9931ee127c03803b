import ChatCore
import ChatStorage
import Logging
import ServiceLifecycle

/// Removes sessions that were not used for long, for as long as the task lives. Of all tasks of a volume one
/// does it at a time; it deletes a conversation at a time, with rests, so that nobody who chats waits.
struct RetentionService: Service {
    private static let intervalMax = Duration.seconds(3_600)
    private static let intervalMin = Duration.seconds(1)
    private static let rest = Duration.milliseconds(20)

    let volume: Volume
    let catalogue: any SessionCatalogue
    let age: AgeText
    let logger: Logger

    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                group.addTask { await prune() }
                try? await gracefulShutdown()
                group.cancelAll()
            }
        } onGracefulShutdown: {
        }
    }

    /// An hour, less when sessions are kept for less than some hours; each pause is drawn anew.
    private func prune() async {
        let interval = min(Self.intervalMax, max(Self.intervalMin, age.duration / 4))
        while !Task.isCancelled {
            try? await Task.sleep(for: interval * Double.random(in: 0.5...1.5))
            if Task.isCancelled { return }
            do {
                try await pruneOnce()
            } catch is CancellationError {
                return
            } catch {
                logger.warning("old sessions were not removed", metadata: ["error": "\(error)"])
            }
        }
    }

    private func pruneOnce() async throws {
        guard let lock = try await VolumeLock.tryTake(.retention, in: volume.folder) else { return }
        defer { lock.release() }
        let tally = try await Pruning(catalogue, unusedSince: age.before, rest: Self.rest).run()
        guard tally.deleted > 0 else { return }
        logger.notice(
            "old sessions removed",
            metadata: ["sessions": "\(tally.deleted)", "messages": "\(tally.messages)"])
    }
}
