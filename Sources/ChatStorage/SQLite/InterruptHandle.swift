import CSQLite
import Synchronization

/// Lets another thread interrupt what a connection is doing.
///
/// A write inside a transaction that is interrupted takes the whole transaction with it, so in a group commit
/// this is for closing a shard, not for one caller's change of mind.
///
/// > It is safe to call this routine from a thread different from the thread that is currently running the
/// > database operation. But it is not safe to call this routine with a database connection that is closed or
/// > might close before sqlite3_interrupt() returns. https://www.sqlite.org/c3ref/interrupt.html
///
/// Sendable, because the only thing ever done with the pointer on a foreign thread is that call, under the
/// lock that `forget` takes before the connection is closed.
final class InterruptHandle: Sendable {
    /// The address of the connection, 0 once it is closed. A number, since `OpaquePointer` is not Sendable.
    private let address: Mutex<UInt>

    init(_ handle: OpaquePointer) {
        address = Mutex(UInt(bitPattern: handle))
    }

    /// Ends the running statements of the connection with `SQLITE_INTERRUPT`. Nothing happens when none runs
    /// or when the connection is closed.
    func interrupt() {
        address.withLock { address in
            guard let handle = OpaquePointer(bitPattern: address) else { return }
            sqlite3_interrupt(handle)
        }
    }

    func forget() {
        address.withLock { $0 = 0 }
    }
}
