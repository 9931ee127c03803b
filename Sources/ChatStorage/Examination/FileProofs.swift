#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Proofs, by doing, that files keep what they are given. Every call blocks.
struct FileProofs {
    private static let replacements = 100
    /// A slow volume gets fewer of them.
    private static let replacementSecondsMax = 3

    let scratch: ScratchFolder
    let record: ExaminationRecord

    /// That a file and its folder take bytes and make them durable, and that a name is given once.
    func runAlone() throws {
        record.step("wrote a file")
        do {
            let file = try LockedFile(scratch.file("written"))
            try file.file.writeAll([UInt8](repeating: UInt8(ascii: "w"), count: 4_096))
            try file.file.sync()
        } catch let error as SystemCallError where error.call == "fsync" && error.code == EINVAL {
            record.add(
                Finding(
                    "file.fsync", .refused,
                    "Files cannot be made durable here (fsync: \(error)): what is acknowledged could be lost."
                ))
            return
        }
        do {
            try OpenFile(scratch.path, O_RDONLY | O_DIRECTORY).sync()
            record.add(Finding("file.fsync", .good, "Files and folders are made durable (fsync)."))
        } catch let error as SystemCallError where error.code == EINVAL {
            record.add(
                Finding(
                    "file.fsync", .warning,
                    """
                    Folders cannot be made durable here (fsync says EINVAL): a new file's name could be lost \
                    with the power.
                    """))
        }
        try linksOnce()
    }

    /// That another process sees what was appended, whole, and never a replaced file half.
    func run(with peer: PeerProcess) throws {
        try appends(peer)
        try replaces(peer)
    }

    private func linksOnce() throws {
        record.step("linked a file")
        func link(_ name: String) throws -> Bool {
            try systemCall("link", expecting: EEXIST) {
                Self.systemLink(scratch.file(name), scratch.file("linked"))
            } != nil
        }
        do {
            _ = try LockedFile(scratch.file("second"))
            let isFirst = try link("written")
            guard try isFirst && !link("second") else {
                return record.add(
                    Finding(
                        "file.link", .refused,
                        "A name can be given twice (link): two tasks would each make their own volume."))
            }
            record.add(Finding("file.link", .good, "A name is given to one file only (link)."))
        } catch let error as SystemCallError
            where [EPERM, EOPNOTSUPP, ENOTSUP, ENOSYS, EMLINK].contains(error.code)
        {
            record.add(
                Finding(
                    "file.link", .refused,
                    "This file system has no hard links (\(error)), by which a volume is made once."))
        }
    }

    /// By one descriptor that stays open, under a lock, as the engine appends to its log.
    private func appends(_ peer: PeerProcess) throws {
        record.step("appended to a file under a lock")
        let file = try LockedFile(scratch.file("appended"))
        var expected = ""
        for number in 0..<8 {
            guard try file.hold(.flock) else { throw SystemCallError("flock", EWOULDBLOCK) }
            let part = "\(number)."
            try file.file.writeAll(Array(part.utf8))
            try file.file.sync()
            try file.letGo(.flock)
            expected += part
            let seen = try peer.ask("text appended")
            guard seen == expected else {
                return record.add(
                    Finding(
                        "file.append", .refused,
                        """
                        Another process does not see under the lock what was appended under it (\(seen) \
                        instead of \(expected)): tasks would overwrite each other's work.
                        """))
            }
        }
        record.add(Finding("file.append", .good, "Another process sees under the lock what was appended."))
    }

    private func replaces(_ peer: PeerProcess) throws {
        record.step("replaced a file again and again")
        func replace(_ letter: UInt8) throws {
            let bytes = [UInt8](repeating: letter, count: ExaminationPeer.replacedBytes)
            try AtomicFile.replace("replaced", in: scratch.path, with: bytes)
        }
        try replace(UInt8(ascii: "a"))
        try peer.send("watch replaced")
        guard try peer.answer() == "ready" else { throw PeerProcess.Gone() }
        let end = ContinuousClock.now + .seconds(Self.replacementSecondsMax)
        var count = 0
        while count < Self.replacements && ContinuousClock.now < end && !record.isAbandoned {
            try replace(UInt8(ascii: "a") + UInt8(count % 20))
            count += 1
        }
        try replace(ExaminationPeer.lastLetter)
        let numbers = try peer.answer().split(separator: " ").compactMap { Int($0) }
        guard numbers.count == 3 else { throw PeerProcess.Gone() }
        let (reads, missing, partial) = (numbers[0], numbers[1], numbers[2])
        guard missing == 0 && partial == 0 else {
            return record.add(
                Finding(
                    "file.rename", .refused,
                    """
                    While a file was replaced \(count) times (rename), another process found it missing \
                    \(missing) times and in part \(partial) times, of \(reads): a session could vanish.
                    """))
        }
        record.add(
            Finding(
                "file.rename", .good,
                "A replaced file is whole at any moment (rename: \(count) times, \(reads) reads)."
            ))
    }

    private static func systemLink(_ from: String, _ to: String) -> Int32 {
        #if canImport(Glibc)
            Glibc.link(from, to)
        #elseif canImport(Musl)
            Musl.link(from, to)
        #else
            Darwin.link(from, to)
        #endif
    }
}
