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

/// What this process and its host have used so far. Two of them make a ``Cost``.
struct Usage: Sendable {
    private let client: ClientCalls?
    private let io: [String: Int]
    private let cpuSeconds: Double

    /// The counts of the NFS mount that `folder` lies on are the host's: nothing else may use the mount.
    init(_ client: ClientCalls?) {
        self.client = client
        io = Self.io()
        cpuSeconds = Self.cpu()
    }

    /// What was used since `earlier`.
    func since(_ earlier: Usage) -> Cost {
        var cost = Cost()
        if let client, let before = earlier.client {
            // SEQUENCE alone renews the lease, which an idle host pays as well.
            cost.calls = client.since(before).filter { $0.key != "SEQUENCE" }
            cost.bytes = client.bytesSince(before).filter { $0.key != "SEQUENCE" }
        }
        for (name, count) in io { cost.io[name] = count - (earlier.io[name] ?? 0) }
        cost.cpuSeconds = cpuSeconds - earlier.cpuSeconds
        cost.residentBytes = Self.residentBytes()
        return cost
    }

    /// `/proc/self/io` (proc_pid_io(5)): what read(2) and write(2) and their like were called for, on any
    /// file. Empty where there is none.
    private static func io() -> [String: Int] {
        var found = [String: Int]()
        for line in text("/proc/self/io").split(separator: "\n") {
            let words = line.split(separator: ":")
            guard words.count == 2, ["rchar", "wchar", "syscr", "syscw"].contains(words[0]) else { continue }
            found[String(words[0])] = Int(words[1].drop { $0 == " " })
        }
        return found
    }

    private static func cpu() -> Double {
        var usage = rusage()
        #if canImport(Glibc)
            // There the name is an enumeration and the parameter a number.
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        #else
            getrusage(RUSAGE_SELF, &usage)
        #endif
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    private static func residentBytes() -> Int {
        let line = text("/proc/self/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1_024
    }

    /// Files of /proc have no length: they are read until they end.
    static func text(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8]()
        var piece = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = fread(&piece, 1, piece.count, file)
            if count == 0 { break }
            bytes.append(contentsOf: piece[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What a stretch of load cost.
struct Cost: Codable, Sendable, Equatable {
    /// NFS calls by operation; empty where the volume is no NFS mount.
    var calls: [String: Int] = [:]
    /// Bytes sent and received for them, headers included.
    var bytes: [String: Int] = [:]
    /// `rchar`, `wchar` (bytes), `syscr`, `syscw` (system calls) of this process, on any file.
    var io: [String: Int] = [:]
    /// Of this process, in user and system mode, server processes left out.
    var cpuSeconds = 0.0
    /// At the end.
    var residentBytes = 0

    mutating func add(_ other: Cost) {
        calls.merge(other.calls, uniquingKeysWith: +)
        bytes.merge(other.bytes, uniquingKeysWith: +)
        io.merge(other.io, uniquingKeysWith: +)
        cpuSeconds += other.cpuSeconds
        residentBytes = max(residentBytes, other.residentBytes)
    }

    var callsCount: Int { calls.values.reduce(0, +) }
    var bytesCount: Int { bytes.values.reduce(0, +) }
}
