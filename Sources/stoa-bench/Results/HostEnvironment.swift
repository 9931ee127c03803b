import ChatCore
import ChatStorage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where a host measured.
struct HostEnvironment: Codable, Sendable {
    var host: String
    /// Milliseconds since 1970-01-01 UTC.
    var started: Int64
    var kernel: String
    var processor: String
    var processors: Int
    var sqlite: String
    var fileSystem: String
    var mountOptions: String
    /// Over the last minute, when the run began and when it ended.
    var loadAtStart: Double
    var loadAtEnd: Double
    var program: String

    var isNFS: Bool { fileSystem.hasPrefix("nfs") }

    /// This host now.
    init(volume: String) {
        host = Volume.hostName()
        started = Timestamp.now().milliseconds
        kernel = Self.kernelName()
        let line = Usage.text("/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }
        processor = line.map { String($0.drop { $0 != ":" }.dropFirst().drop { $0 == " " }) } ?? "unknown"
        processors = ProcessInfo.processInfo.activeProcessorCount
        sqlite = StockSQLite.version
        let mount = Mount.holding(volume)
        fileSystem = mount?.type ?? "unknown"
        // Addresses of servers are nobody else's business.
        mountOptions =
            mount?.options.filter { !$0.hasPrefix("addr=") && !$0.hasPrefix("clientaddr=") }
            .joined(separator: ",") ?? ""
        loadAtStart = Self.loadAverage()
        loadAtEnd = loadAtStart
        #if DEBUG
            program = "debug build"
        #else
            program = "release build"
        #endif
    }

    static func loadAverage() -> Double {
        var load = 0.0
        return getloadavg(&load, 1) == 1 ? load : 0
    }

    private static func kernelName() -> String {
        var name = utsname()
        uname(&name)
        func text<Field>(_ field: Field) -> String {
            withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return "\(text(name.sysname)) \(text(name.release)) \(text(name.machine))"
    }

    /// In one line, for people.
    var line: String {
        """
        \(host): \(kernel), \(processor) x \(processors), SQLite \(sqlite), \(fileSystem) (\(mountOptions)), \
        load \(Figures.short(loadAtStart)) to \(Figures.short(loadAtEnd)), \(program)
        """
    }
}
