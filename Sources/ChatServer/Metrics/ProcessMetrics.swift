import ChatCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What the system says about this process, under the names that every program uses for it.
struct ProcessMetrics: MetricsSource {
    private let started = Double(Timestamp.now().milliseconds) / 1_000

    func collect(into page: inout MetricsPage) {
        var usage = rusage()
        #if canImport(Glibc)
            // An enum to Swift, a number to the function.
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
            getrusage(RUSAGE_SELF, &usage)
        #endif
        let memory = Self.memory()
        page.common(
            "process_cpu_seconds_total", "CPU time of this process, in user and system mode.",
            Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime))
        page.common("process_start_time_seconds", "When this process started, since 1970.", started)
        page.common(
            "process_resident_memory_bytes", "Memory of this process that is resident.", memory?.resident)
        page.common("process_virtual_memory_bytes", "Address space of this process.", memory?.virtual)
        page.common("process_open_fds", "Open file descriptors.", Self.openFiles())
        page.common("process_max_fds", "File descriptors that may be open at once.", Self.openFilesMax())
        page.common("process_threads", "Threads of this process.", Self.threads())
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
    }

    /// proc_pid_statm(5): size and resident size, in pages. Nil where there is no /proc.
    private static func memory() -> (virtual: Double, resident: Double)? {
        let words = text("/proc/self/statm").split(separator: " ")
        guard words.count > 1, let size = Double(words[0]), let resident = Double(words[1]) else {
            return nil
        }
        let page = Double(sysconf(Int32(_SC_PAGESIZE)))
        return (size * page, resident * page)
    }

    /// proc_pid_stat(5): the 20th field; the second, a name in parentheses, may contain anything.
    private static func threads() -> Double? {
        let stat = text("/proc/self/stat")
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let words = stat[stat.index(after: end)...].split(separator: " ")
        return words.count > 17 ? Double(words[17]) : nil
    }

    private static func openFiles() -> Double? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Itself, and the two names that every folder has.
        return Double(max(0, count - 3))
    }

    private static func openFilesMax() -> Double? {
        var limit = rlimit()
        #if canImport(Glibc)
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        #else
            guard getrlimit(RLIMIT_NOFILE, &limit) == 0 else { return nil }
        #endif
        // RLIM_INFINITY is a macro with a cast; no limit is as large as a quarter of it.
        return limit.rlim_cur > UInt64(1) << 62 ? nil : Double(limit.rlim_cur)
    }

    /// A small text of the kernel's; empty where there is none. Never asks a volume.
    private static func text(_ path: String) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
