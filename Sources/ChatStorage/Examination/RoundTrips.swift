#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Takes the times of what the engines are made of. Every call blocks.
struct RoundTrips {
    private static let samples = 16
    private static let pageBytes = 4_096
    /// A slow volume gets fewer samples, but never less than one.
    private static let secondsMax = 1.5

    let scratch: ScratchFolder
    let record: ExaminationRecord
    /// Whose calls are counted.
    let mount: Mount?

    /// Notes one measurement after the other.
    func run() throws {
        let page = [UInt8](repeating: UInt8(ascii: "m"), count: Self.pageBytes)
        do {
            let file = try LockedFile(scratch.file("measured"))
            try file.file.writeAll(page)
            try file.file.sync()
            try locksAndReads(file)
        }
        do {
            let file = try LockedFile(scratch.file("appended-to"))
            // As the engine does: a lock on the file fences its writes and keeps its state at the server.
            _ = try? file.hold(.ofd, byte: 1)
            try measure(.write) {
                try file.file.writeAll(page)
                try file.file.sync()
            }
        }
        let path = scratch.file("measured")
        try measure(.open) { _ = try OpenFile(path, O_RDONLY).status() }
        var (from, to) = (path, scratch.file("renamed"))
        try measure(.rename) {
            try systemCall("rename") { Self.systemRename(from, to) }
            swap(&from, &to)
        }
    }

    /// Both in one go, because a read is only one that asks the server when a lock came before it.
    private func locksAndReads(_ file: borrowing LockedFile) throws {
        let kind: LockedFile.Kind = (try? file.hold(.ofd, byte: 1)) == true ? .ofd : .flock
        var reads = [Double]()
        var locks = [Double]()
        var page = [UInt8](repeating: 0, count: Self.pageBytes)
        record.step("was asked for a lock")
        let before = ClientCalls.now(mount)
        let end = ContinuousClock.now + .seconds(Self.secondsMax)
        repeat {
            let start = ContinuousClock.now
            guard try file.hold(kind) else { throw SystemCallError("fcntl", EAGAIN) }
            let locked = ContinuousClock.now
            try systemCall("pread") { pread(file.file.descriptor, &page, page.count, 0) }
            let done = ContinuousClock.now
            try file.letGo(kind)
            reads.append(locked.duration(to: done).milliseconds)
            locks.append((start.duration(to: locked) + done.duration(to: .now)).milliseconds)
        } while locks.count < Self.samples && ContinuousClock.now < end && !record.isAbandoned
        let calls = counted(since: before, samples: locks.count)
        // A lock voids the file's attributes too: the read asks for them first.
        let isRead = { (name: String) in name == "GETATTR" || name.hasPrefix("READ") }
        note(Measurement(.lock, locks, calls: calls?.filter { !isRead($0.key) }))
        note(Measurement(.read, reads, calls: calls?.filter { isRead($0.key) }))
    }

    private func measure(_ operation: Measurement.Operation, _ body: () throws -> Void) throws {
        record.step("was measured (\(operation.rawValue))")
        var times = [Double]()
        let before = ClientCalls.now(mount)
        let end = ContinuousClock.now + .seconds(Self.secondsMax)
        repeat {
            let start = ContinuousClock.now
            try body()
            times.append(start.duration(to: .now).milliseconds)
        } while times.count < Self.samples && ContinuousClock.now < end && !record.isAbandoned
        note(Measurement(operation, times, calls: counted(since: before, samples: times.count)))
    }

    private func counted(since before: ClientCalls?, samples: Int) -> [String: Double]? {
        guard let before, let after = ClientCalls.now(mount) else { return nil }
        return after.since(before).mapValues { (Double($0) / Double(samples) * 100).rounded() / 100 }
    }

    private func note(_ measurement: Measurement) {
        record.note { $0.measurements.append(measurement) }
    }

    private static func systemRename(_ from: String, _ to: String) -> Int32 {
        #if canImport(Glibc)
            Glibc.rename(from, to)
        #elseif canImport(Musl)
            Musl.rename(from, to)
        #else
            Darwin.rename(from, to)
        #endif
    }
}
