#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

import Synchronization

/// What an examination knows so far. Kept apart from the calls that find it out, so that it can be told when
/// one of them never returns.
final class ExaminationRecord: Sendable {
    struct State: Sendable {
        var mount: Mount?
        var leaseSeconds: Int?
        var space: VolumeExamination.Space?
        var findings: [Finding] = []
        var measurements: [Measurement] = []
        /// What is being done now, as the end of "while it ...".
        var step = "was asked for the folder"
        var peer: pid_t?
        var isAbandoned = false
    }

    private let state = Mutex(State())

    var now: State { state.withLock { $0 } }

    /// Changes what is known; nothing any more once it was told.
    func note(_ change: (inout sending State) -> Void) {
        state.withLock { if !$0.isAbandoned { change(&$0) } }
    }

    func add(_ finding: Finding) { note { $0.findings.append(finding) } }

    func step(_ words: String) { note { $0.step = words } }

    func peer(is process: pid_t?) { state.withLock { $0.peer = process } }

    /// Ends the peer and what may still be found out.
    func abandon() {
        state.withLock {
            $0.isAbandoned = true
            if let peer = $0.peer { kill(peer, SIGKILL) }
        }
    }

    /// Whether nobody waits for the rest.
    var isAbandoned: Bool { state.withLock { $0.isAbandoned } }
}
