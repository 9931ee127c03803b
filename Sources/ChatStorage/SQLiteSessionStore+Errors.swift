import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ChatError {
    /// The one place where SQLite's codes become ours. By code, never by text.
    init(_ error: SQLiteError, shard: String) {
        let cause = "shard \(shard): \(error)"
        switch error.code {
        case .busy, .lockProtocol:
            self = .busy("The storage", cause: cause)
        // Past a quota a write fails as an I/O error: the stock VFS knows only ENOSPC as "full".
        case _ where error.code.primary == .full || error.systemErrorNumber == EDQUOT:
            self.init(.unavailable, "The volume is full.", retryAfterMilliseconds: 30_000, cause: cause)
        case .readOnly:
            self.init(.unavailable, "The volume is read-only.", retryAfterMilliseconds: 30_000, cause: cause)
        case .noOpenFileLocks:
            self.init(
                .unavailable,
                "This file system has no open-file-description locks, which the engine `volume` needs. "
                    + "Make the volume with `stoa volume init --engine portable`.", cause: cause)
        case .foreignShard:
            self.init(
                .unavailable, "A database on the volume was not made by the engine `volume`.", cause: cause)
        case .cannotOpen where error.isFileMissing:
            self.init(.unavailable, "The volume has not been set up. Run `stoa migrate up`.", cause: cause)
        case .ioError, .cannotOpen, .permission, .outOfMemory, .interrupt, .noLargeFiles:
            self.init(
                .unavailable, "The storage does not answer. Try again in a moment.",
                retryAfterMilliseconds: 2_000, cause: cause)
        case .corrupt, .notADatabase:
            self.init(.unavailable, "A part of the storage is damaged.", cause: cause)
        default:
            self.init(.internal, "Something went wrong.", cause: cause)
        }
    }
}
