import ArgumentParser

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `stoa bench`: becomes `stoa-bench`.
///
/// A one-off task of ECS can replace the image's command but not its entry point, which is `stoa`.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure stores on a volume: runs the program stoa-bench that lies beside this one.",
        discussion: """
            All arguments are stoa-bench's own: `stoa bench --help`.

            EXAMPLES:
              stoa bench run --volume /mnt/stoa
              stoa bench worker --volume /mnt/stoa --run monday --of 2
              stoa bench report --volume /mnt/stoa --run monday
            """)

    @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

    func run() throws {
        guard let own = Self.ownPath, let slash = own.lastIndex(of: "/") else {
            throw ExitStatus.fail("cannot tell where this program lies", ExitStatus.unavailable)
        }
        let program = own[...slash] + "stoa-bench"
        var words: [UnsafeMutablePointer<CChar>?] = ([String(program)] + arguments).map { strdup($0) }
        words.append(nil)
        // Returns only when it failed: the process is another program otherwise.
        execv(String(program), words)
        let cause = String(cString: strerror(errno))
        throw ExitStatus.fail("cannot start \(program): \(cause)", ExitStatus.unavailable)
    }

    /// Where the file lies that this process runs.
    private static var ownPath: String? {
        guard let path = realpath(Stoa.program, nil) else { return nil }
        defer { free(path) }
        return String(cString: path)
    }
}
