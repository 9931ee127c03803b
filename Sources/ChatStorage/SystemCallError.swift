#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A system call on the volume that failed: which call, with which `errno`, and never on which path,
/// because paths of session files contain session ids and errors end up in logs.
package struct SystemCallError: Error, Equatable, CustomStringConvertible {
    /// The call's name, as in its manual page: `open`, `rename`.
    package let call: String
    /// The value of `errno` right after the call.
    package let code: Int32

    /// `code` is `errno`, read right after the call.
    package init(_ call: String, _ code: Int32) {
        self.call = call
        self.code = code
    }

    package var description: String { "\(call): \(String(cString: strerror(code))) (errno \(code))" }

    /// What an operator has to do about it, when the error says so by itself.
    package var advice: String? {
        switch code {
        case ENOSPC, EDQUOT: "the volume is full"
        case EROFS: "the volume is mounted read-only"
        case EACCES, EPERM: "the volume's folders do not belong to the user this process runs as"
        case EMFILE, ENFILE: "too many open files: raise the limit (ulimit -n)"
        case ESTALE, EIO: "the volume's server dropped this host's state or cannot be reached"
        case ENOLCK: "the volume's server has no locks left or locking is turned off"
        default: nil
        }
    }
}

/// Calls `body` again for as long as a signal interrupts it; a negative result becomes an error.
@discardableResult
func systemCall<Result: SignedInteger>(_ name: String, _ body: () -> Result) throws(SystemCallError) -> Result
{
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        if code != EINTR { throw SystemCallError(name, code) }
    }
}

/// The same for a call whose failure with `expected` is an answer: nil.
func systemCall<Result: SignedInteger>(
    _ name: String, expecting expected: Int32, _ body: () -> Result
) throws(SystemCallError) -> Result? {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        if code == expected { return nil }
        if code != EINTR { throw SystemCallError(name, code) }
    }
}
