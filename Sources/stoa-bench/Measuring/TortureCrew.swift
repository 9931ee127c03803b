#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writers in processes of their own, which are killed and started again.
struct TortureCrew: Sendable {
    /// The arguments of a writer, but for its name and its file.
    let words: [String]
    /// For the files, on a local disk.
    let folder: String
    let seed: UInt64

    /// Starts writers, kills one now and then and starts another in its place, and kills all in the end. One
    /// that was told nothing yet is let live: it has nothing to lose, and where a start takes longer than the
    /// pause between two kills nobody would ever be told anything.
    /// - Returns: how many were killed at work, and the files of all.
    func run(
        writers: Int, seconds: Double, killEvery: Double, until interruption: Interruption
    ) async throws -> (kills: Int, files: [String]) {
        var generator = SeededGenerator(seed: seed)
        var lives = 0
        var files = [String]()
        func start() throws -> (process: pid_t, acks: String) {
            let name = "w\(lives)"
            let acks = "\(folder)/\(name).acks"
            lives += 1
            files.append(acks)
            return (try Self.spawn(words + ["--name", name, "--acks", acks]), acks)
        }
        var crew = [(process: pid_t, acks: String)]()
        defer { for writer in crew { Self.kill(writer.process) } }
        for _ in 0..<writers { crew.append(try start()) }
        let end = ContinuousClock.now + .seconds(seconds)
        var kills = 0
        while ContinuousClock.now < end, !interruption.isAsked {
            let pause = killEvery > 0 ? killEvery * Double.random(in: 0.5...1.5, using: &generator) : seconds
            try? await Task.sleep(until: min(end, .now + .seconds(pause)), clock: .continuous)
            guard ContinuousClock.now < end else { break }
            let victim = Int.random(in: 0..<writers, using: &generator)
            guard Self.hasContent(crew[victim].acks) else { continue }
            Self.kill(crew[victim].process)
            kills += 1
            crew[victim] = try start()
            RunProgress.write("killed \(kills), \(Int((end - .now) / .seconds(1))) s left\n")
        }
        return (kills + writers, files)
    }

    private static func hasContent(_ file: String) -> Bool {
        var found = stat()
        return stat(file, &found) == 0 && found.st_size > 0
    }

    private static func kill(_ process: pid_t) {
        #if canImport(Glibc)
            _ = Glibc.kill(process, SIGKILL)
        #elseif canImport(Musl)
            _ = Musl.kill(process, SIGKILL)
        #else
            _ = Darwin.kill(process, SIGKILL)
        #endif
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }

    /// This program again, with these arguments; its output goes nowhere.
    private static func spawn(_ words: [String]) throws -> pid_t {
        let program = programPath
        var arguments: [UnsafeMutablePointer<CChar>?] = ([program] + words).map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
        #else
            var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        var process: pid_t = 0
        let result = posix_spawn(&process, program, &actions, nil, &arguments, environ)
        guard result == 0 else { throw Refusal("a writer cannot be started: errno \(result)") }
        return process
    }

    private static var programPath: String {
        #if os(Linux)
            "/proc/self/exe"
        #else
            CommandLine.arguments[0]
        #endif
    }
}
