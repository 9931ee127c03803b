import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Whether somebody asked the program to end: what runs stops at its next operation, what was measured is
/// written, and what lies on the volume is removed. Who asks twice ends it at once.
final class Interruption: Sendable {
    private let asked = Atomic(false)
    /// Written in `init` only; kept, because a source that is let go no longer listens.
    private nonisolated(unsafe) var sources: [any DispatchSourceSignal] = []

    /// - Parameter isListening: takes over SIGINT and SIGTERM.
    init(isListening: Bool = false) {
        guard isListening else { return }
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in
                if asked.exchange(true, ordering: .relaxed) { _exit(130) }
            }
            source.resume()
            sources.append(source)
        }
    }

    /// The one question.
    var isAsked: Bool { asked.load(ordering: .relaxed) }
}
