import CZlib

/// Compression of what is sent often and never changes. Event streams are not compressed: a compressor holds
/// back what a reader should see now.
enum ContentCoding {
    /// `bytes` as gzip has them, or nil when that is not smaller.
    static func gzip(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        // 15 + 16: the largest window, and a gzip header instead of zlib's.
        guard
            deflateInit2_(
                &stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        var input = bytes
        let room = Int(deflateBound(&stream, uLong(bytes.count)))
        let output = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            input.withUnsafeMutableBufferPointer { input in
                stream.next_in = input.baseAddress
                stream.avail_in = uInt(input.count)
                stream.next_out = buffer.baseAddress
                stream.avail_out = uInt(buffer.count)
                // All input is there and all output fits, so one call ends it.
                count = deflate(&stream, Z_FINISH) == Z_STREAM_END ? buffer.count - Int(stream.avail_out) : 0
            }
        }
        return output.isEmpty || output.count >= bytes.count ? nil : output
    }

    /// Whether an `Accept-Encoding` takes gzip (RFC 9110, 12.5.3): named, or by `*`, and not with a weight of
    /// 0.
    static func acceptsGzip(_ fields: [String]) -> Bool {
        var weights: [String: Bool] = [:]
        for field in fields.flatMap({ $0.lowercased().split(separator: ",") }) {
            let parts = field.filter { $0 != " " && $0 != "\t" }.split(separator: ";")
            guard let name = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
            weights[String(name)] = (weight ?? 1) > 0
        }
        return weights["gzip"] ?? weights["x-gzip"] ?? weights["*"] ?? false
    }
}
