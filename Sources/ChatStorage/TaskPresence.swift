package import ChatCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Shows other tasks that this one lives, and asks whether they do.
///
/// A task holds an exclusive lock on `tasks/<task id>` for as long as it lives; who can lock that file knows
/// that its task is dead. Nothing is written while it lives: the kernel of a killed process frees its locks
/// at once, the volume's server those of a lost host when its lease ends.
package final class TaskPresence: TaskLiveness {
    /// How long an answer may be repeated without asking the volume again.
    package static let answerMillisecondsMax = 250
    private static let callsMax = 128
    private static let deadFilesRemovedMax = 1_000

    /// This task.
    package let task: TaskID
    private let label: LivingTask
    let folder: String
    let lane: BlockingLane
    /// Held from `start` to `end`, or to the end of the process.
    private let own: FileLock
    let solitude = Mutex(Solitude())
    private let answers = Mutex<[TaskID: (isAlive: Bool, asked: ContinuousClock.Instant)]>([:])

    private init(_ label: LivingTask, _ folder: String, _ lane: BlockingLane, _ own: FileLock) {
        task = label.task
        self.label = label
        self.folder = folder
        self.lane = lane
        self.own = own
    }

    /// Takes this task's lock and removes the files of dead tasks.
    /// - Throws: `VolumeError`; `task_id_taken` when a process that lives has this id.
    package static func start(
        _ task: TaskID, host: String = Volume.hostName(), on volume: Volume
    ) async throws -> TaskPresence {
        let folder = volume.tasksFolder
        let lane = BlockingLane(label: "stoa.presence", jobsMax: callsMax)
        do {
            return try await lane.run(until: .now + .seconds(Volume.answerSecondsMax)) {
                let own = try lockOwnFile("\(folder)/\(task.rawValue)")
                let label = LivingTask.own(task, host: host)
                try own.write(try label.encoded())
                // After the lock: whoever moves the volume says so first and then looks at the locks.
                do { try VolumeMove.refuse(volume.folder) } catch {
                    unlink("\(folder)/\(task.rawValue)")
                    throw error
                }
                try removeDead(in: folder, except: task)
                return TaskPresence(label, folder, lane, own)
            }
        } catch let error as SystemCallError {
            throw VolumeError(error, folder)
        } catch is BlockingLane.TimedOut {
            throw VolumeError(.noAnswer, "The locks of the volume \(volume.folder) do not answer.")
        }
    }

    /// Whether `task` lives. One try-lock at most; an answer may be ``answerMillisecondsMax`` old.
    ///
    /// Another task that asks about the same dead one does not disturb: asking takes a shared lock.
    /// - Throws: `ChatError` `unavailable` or `busy` when the volume does not tell. That is never "dead".
    package func isAlive(_ task: TaskID) async throws -> Bool {
        if task == self.task { return true }
        if let known = recentAnswer(task) { return known }
        let path = "\(folder)/\(task.rawValue)"
        return try await ChatError.mapping("The volume's list of tasks", about: nil) {
            try await self.lane.run(until: .now + .milliseconds(Limits.storeWaitMilliseconds)) {
                if let known = self.recentAnswer(task) { return known }
                let isAlive = try Self.isLocked(path, in: self.folder)
                self.remember(task, isAlive)
                return isAlive
            }
        }
    }

    /// Writes into this task's file where its metrics are. Does not wait for the volume, and does not matter
    /// when it fails: it is for people.
    package func announce(metrics address: String) {
        var label = label
        label.metrics = address
        let bytes = try? label.encoded()
        // Not structured: nobody waits for it; the lane bounds it.
        Task {
            try? await lane.run(until: .now + .milliseconds(Limits.storeWaitMilliseconds)) {
                if let bytes, try self.own.isCurrent() { try self.own.write(bytes) }
            }
        }
    }

    /// Removes this task's file and lets its lock go, in this order: nobody sees a file without a lock for
    /// longer than it takes. Called last in a task's life; calling it again does nothing.
    package func end() async {
        let path = "\(folder)/\(task.rawValue)"
        try? await lane.run(until: .now + .milliseconds(Limits.storeWaitMilliseconds)) {
            if try self.own.isCurrent() { unlink(path) }
            try self.own.unlock()
        }
    }

    private func recentAnswer(_ task: TaskID) -> Bool? {
        answers.withLock { answers in
            guard let known = answers[task],
                known.asked.duration(to: .now) < .milliseconds(Self.answerMillisecondsMax)
            else { return nil }
            return known.isAlive
        }
    }

    private func remember(_ task: TaskID, _ isAlive: Bool) {
        let now = ContinuousClock.now
        answers.withLock { answers in
            answers = answers.filter {
                $0.value.asked.duration(to: now) < .milliseconds(Self.answerMillisecondsMax)
            }
            answers[task] = (isAlive, now)
        }
    }
}

// What follows blocks, on the lane.
extension TaskPresence {
    private static func lockOwnFile(_ path: String) throws -> FileLock {
        // Another task that starts may take the new file for a dead task's between our open and our lock, and
        // remove it: then the lock is on a file without a name, and a new one is made.
        for _ in 0..<10 {
            let lock = try FileLock(path, create: true)
            if try lock.tryLock(), try lock.isCurrent() { return lock }
            usleep(UInt32.random(in: 1_000...20_000))
        }
        throw VolumeError(.taskIDTaken, "A task with the same id runs already.")
    }

    /// Whether somebody holds `path` exclusively. No file is no lock.
    static func isLocked(_ path: String, in folder: String) throws -> Bool {
        for _ in 0..<3 {
            do {
                let lock = try FileLock(path, create: false)
                guard try lock.tryLock(.shared) else { return true }
                if try lock.isCurrent() { return false }
            } catch let error as SystemCallError where error.code == ENOENT {
                // On NFS a name that did not exist a moment ago may be remembered as missing; opening the
                // folder makes the client ask (see AtomicFile.read).
                try AtomicFile.revalidate(folder)
                if access(path, F_OK) != 0 && errno == ENOENT { return false }
            }
        }
        return true
    }

    static func removeDead(in folder: String, except own: TaskID) throws {
        for name in try AtomicFile.names(in: folder).prefix(deadFilesRemovedMax) where name != own.rawValue {
            // The lock proves that nobody lives there, the second look that it is still this file. One that
            // vanishes meanwhile was removed by another task; one that cannot be opened stays.
            guard let lock = try? FileLock("\(folder)/\(name)", create: false), (try? lock.tryLock()) == true,
                (try? lock.isCurrent()) == true
            else { continue }
            unlink("\(folder)/\(name)")
        }
    }
}
