#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where a server listens.
struct ListeningAddress {
    private let host: String
    private let port: Int
    /// IFF_LOOPBACK, netdevice(7): a macro with a cast on some systems.
    private static let loopback: UInt32 = 8

    init(_ host: String, _ port: Int) {
        self.host = host
        self.port = port
    }

    /// `host:port`, as in a URL.
    var text: String { Self.text(host, port) }

    /// The same for other hosts: one that listens on all addresses is reached at the first that is not the
    /// host's own.
    var reachable: String {
        let all = ["0.0.0.0", "::", "[::]"].contains(host)
        return Self.text(all ? Self.outward() ?? "127.0.0.1" : host, port)
    }

    private static func text(_ host: String, _ port: Int) -> String {
        host.contains(":") && !host.hasPrefix("[") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// The first IPv4 address that is not the loopback's.
    private static func outward() -> String? {
        var first: UnsafeMutablePointer<ifaddrs>?
        guard getifaddrs(&first) == 0 else { return nil }
        defer { freeifaddrs(first) }
        var next = first
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let address = entry.ifa_addr, Int32(address.pointee.sa_family) == AF_INET,
                entry.ifa_flags & loopback == 0
            else { continue }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(MemoryLayout<sockaddr_in>.size)
            if getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 {
                return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            }
        }
        return nil
    }
}
