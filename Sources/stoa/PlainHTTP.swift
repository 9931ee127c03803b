#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

import ChatCore

/// One GET to a task, without TLS: what asking for its health or its metrics needs. Blocks until the answer
/// or the deadline.
struct PlainHTTP {
    /// What came back.
    struct Answer {
        let status: Int
        let body: String
    }

    /// Why nothing came back, in words.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// A page of metrics of 256 shards is a tenth of this.
    private static let bytesMax = 8 << 20

    let host: String
    let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// - Parameter address: `host:port`, an IPv6 address in brackets.
    init?(_ address: String) {
        guard let colon = address.lastIndex(of: ":"), let port = Int(address[address.index(after: colon)...])
        else { return nil }
        var host = address[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self.init(host: String(host), port: port)
    }

    /// Asks for `path`.
    /// - Throws: ``Failure``.
    func get(_ path: String, until deadline: ContinuousClock.Instant) throws(Failure) -> Answer {
        let descriptor = try connect(until: deadline)
        defer { _ = close(descriptor) }
        let name = host.contains(":") ? "[\(host)]" : host
        let request = "GET \(path) HTTP/1.1\r\nHost: \(name):\(port)\r\nConnection: close\r\n\r\n"
        try send(Array(request.utf8), to: descriptor, until: deadline)
        return try answer(from: descriptor, until: deadline)
    }

    /// Tries each of the host's addresses.
    private func connect(until deadline: ContinuousClock.Instant) throws(Failure) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Self.stream
        var found: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &found)
        guard code == 0 else { throw Failure(description: "\(host): \(String(cString: gai_strerror(code)))") }
        defer { freeaddrinfo(found) }
        var failure = Failure(description: "\(host) has no address")
        var next = found
        while let address = next?.pointee {
            next = address.ai_next
            let descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
            guard descriptor >= 0 else { continue }
            do throws(Failure) {
                try open(descriptor, address, until: deadline)
                return descriptor
            } catch {
                close(descriptor)
                failure = error
            }
        }
        throw failure
    }

    private func open(
        _ descriptor: Int32, _ address: addrinfo, until deadline: ContinuousClock.Instant
    ) throws(Failure) {
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        #if canImport(Glibc)
            let result = Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen)
        #elseif canImport(Musl)
            let result = Musl.connect(descriptor, address.ai_addr, address.ai_addrlen)
        #else
            let result = Darwin.connect(descriptor, address.ai_addr, address.ai_addrlen)
        #endif
        guard result != 0 else { return }
        guard errno == EINPROGRESS else { throw failure(errno) }
        try wait(for: POLLOUT, on: descriptor, until: deadline)
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
        guard code == 0 else { throw failure(code) }
    }

    private func send(
        _ bytes: [UInt8], to descriptor: Int32, until deadline: ContinuousClock.Instant
    ) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            try wait(for: POLLOUT, on: descriptor, until: deadline)
            let count = bytes[sent...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno != EAGAIN, errno != EINTR { throw failure(errno) }
            sent += max(0, count)
        }
    }

    /// Reads until the server closes, as it was asked to.
    private func answer(
        from descriptor: Int32, until deadline: ContinuousClock.Instant
    ) throws(Failure) -> Answer {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 * 1024)
        while bytes.count < Self.bytesMax {
            try wait(for: POLLIN, on: descriptor, until: deadline)
            let count = read(descriptor, &piece, piece.count)
            if count == 0 { break }
            if count < 0, errno != EAGAIN, errno != EINTR { throw failure(errno) }
            bytes += piece.prefix(max(0, count))
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let body = text.end(of: "\r\n\r\n") else {
            throw Failure(description: "\(host):\(port) does not speak HTTP")
        }
        let words = text.prefix(64).split(separator: " ", maxSplits: 2)
        guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Failure(description: "\(host):\(port) does not speak HTTP")
        }
        return Answer(status: status, body: String(text[body...]))
    }

    private func wait(
        for event: Int32, on descriptor: Int32, until deadline: ContinuousClock.Instant
    ) throws(Failure) {
        while true {
            let milliseconds = ContinuousClock.now.duration(to: deadline).milliseconds
            guard milliseconds > 0 else {
                throw Failure(description: "\(host):\(port) did not answer in time")
            }
            var waiting = pollfd(fd: descriptor, events: Int16(event), revents: 0)
            let count = poll(&waiting, 1, Int32(clamping: milliseconds))
            if count > 0 { return }
            if count < 0, errno != EINTR { throw failure(errno) }
        }
    }

    private func failure(_ code: Int32) -> Failure {
        Failure(description: "\(host):\(port): \(String(cString: strerror(code)))")
    }

    private static var stream: Int32 {
        #if canImport(Glibc)
            Int32(SOCK_STREAM.rawValue)
        #else
            SOCK_STREAM
        #endif
    }
}

extension String {
    /// Where what follows the first `separator` begins. By bytes: to Swift's strings a carriage return and
    /// its line feed are one character.
    fileprivate func end(of separator: String) -> Index? {
        let bytes = Array(separator.utf8)
        var place = utf8.startIndex
        while let start = utf8[place...].firstIndex(of: bytes[0]) {
            if utf8[start...].starts(with: bytes) { return utf8.index(start, offsetBy: bytes.count) }
            place = utf8.index(after: start)
        }
        return nil
    }
}
