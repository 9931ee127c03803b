#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Proofs, by doing, that locks mean what the engines build on. Every call blocks.
struct LockProofs {
    /// A lock whose owner was killed is free at once: its kernel gives it back. Longer than any round trip.
    private static let freedMillisecondsMax = 2_000

    let scratch: ScratchFolder
    let peer: PeerProcess
    let record: ExaminationRecord

    /// All of them; the peer is dead afterwards.
    func run() throws {
        for kind in LockedFile.Kind.allCases {
            record.step("was asked for a lock")
            try finding(kind) { try excludes(kind) }
        }
        try finding(.ofd) { try excludesOwn() }
        try freesLocksOfKilled()
    }

    /// Turns what a lock call says into a finding.
    private func finding(_ kind: LockedFile.Kind, _ body: () throws -> Finding?) throws {
        do {
            if let found = try body() { record.add(found) }
        } catch let error as SystemCallError {
            guard ["flock", "fcntl"].contains(error.call) else { throw error }
            if kind == .ofd, [EINVAL, ENOSYS, ENOTSUP, EOPNOTSUPP].contains(error.code) {
                // Said once, by the first proof.
                guard !record.now.findings.contains(where: { $0.code == "lock.ofd" }) else { return }
                record.add(
                    Finding(
                        "lock.ofd", .warning,
                        """
                        Open-file-description locks do not work here (\(error)), which the engine `volume` \
                        needs: choose --engine portable at `stoa volume init`.
                        """))
                return
            }
            record.add(
                Finding(
                    "lock.\(kind.rawValue)", .refused,
                    """
                    Locks (\(kind.rawValue)) do not work here: \(error). Mount with locks, over NFS with \
                    vers=4.1 and without nolock.
                    """, option: record.now.mount?.isNFS == true ? "vers=4.1" : nil))
        }
    }

    private func excludes(_ kind: LockedFile.Kind) throws -> Finding? {
        let name = "lock-\(kind.rawValue)"
        let code = "lock.\(kind.rawValue)"
        let mine = try LockedFile(scratch.file(name))
        func refused(_ what: String) -> Finding {
            Finding(
                code, .refused,
                """
                \(what) (\(kind.rawValue)): two tasks would write at once. Use a file system whose locks \
                work, such as NFS with vers=4.1.
                """)
        }
        guard try peer.ask("lock \(kind.rawValue) \(name)") == "yes" else {
            return refused("Another process was refused a lock that nobody held")
        }
        if try mine.hold(kind) { return refused("A lock that another process holds was given away again") }
        _ = try peer.ask("unlock \(kind.rawValue) \(name)")
        guard try mine.hold(kind) else { return refused("A lock that was let go is not free") }
        if try peer.ask("lock \(kind.rawValue) \(name)") != "no" {
            return refused("Another process was given a lock that is held")
        }
        try mine.letGo(kind)
        return Finding(code, .good, "Locks exclude another process (\(kind.rawValue)).")
    }

    /// Two descriptors of one process: the engine `volume` tells its connections apart by them.
    private func excludesOwn() throws -> Finding? {
        let first = try LockedFile(scratch.file("lock-own"))
        let second = try LockedFile(scratch.file("lock-own"))
        guard try first.hold(.ofd) else { return nil }
        let excludes = try !second.hold(.ofd)
        // Another byte is another lock.
        let isFree = try second.hold(.ofd, byte: LockedFile.lockByte + 1)
        guard excludes && isFree else {
            return Finding(
                "lock.ofd_own", .refused,
                """
                Open-file-description locks of one process do not exclude each other by byte: the engine \
                `volume` would write twice at once. Use another file system.
                """)
        }
        return Finding(
            "lock.ofd_own", .good, "Locks exclude other descriptors of the same process, byte by byte.")
    }

    private func freesLocksOfKilled() throws {
        record.step("was asked for the lock of a process that was killed")
        let mine = try LockedFile(scratch.file("lock-killed"))
        guard (try? peer.ask("lock flock lock-killed")) == "yes" else { return }
        let killed = ContinuousClock.now
        peer.end()
        while true {
            let isFree = try mine.hold(.flock)
            let milliseconds = killed.duration(to: .now).milliseconds
            if isFree {
                return record.add(
                    Finding(
                        "lock.killed", .good,
                        "The lock of a process that was killed is free \(tenths(milliseconds)) ms later."))
            }
            if milliseconds > Double(Self.freedMillisecondsMax) { break }
            usleep(1_000)
        }
        record.add(
            Finding(
                "lock.killed", .refused,
                """
                The lock of a process that was killed is still held after \(Self.freedMillisecondsMax) ms: \
                no other task could take its work over.
                """))
    }
}

extension Duration {
    /// With fractions.
    var milliseconds: Double {
        Double(components.seconds) * 1e3 + Double(components.attoseconds) / 1e15
    }
}

/// A number as people read times: one digit after the point.
func tenths(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
}
