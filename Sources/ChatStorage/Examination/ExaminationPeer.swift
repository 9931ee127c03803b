#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The other process of an examination: takes locks and reads files when it is told to, one line a command on
/// standard input, one line an answer on standard output.
///
/// ```
/// lock KIND NAME      yes | no
/// unlock KIND NAME    yes
/// text NAME           what the file says, read under its lock
/// watch NAME          ready, and at the end: READS MISSING PARTIAL
/// ```
/// A call that fails answers `error ERRNO CALL`. Its end is the end of its input: it never outlives the
/// examination.
package enum ExaminationPeer {
    /// However an examination ends, its peer does not live longer than this.
    private static let lifeSecondsMax: UInt32 = 120
    /// A file that is replaced is this long, and all of one letter.
    static let replacedBytes = 4_096
    /// What the last replacement is made of.
    static let lastLetter = UInt8(ascii: "z")

    /// Obeys until standard input ends. Blocks: nothing else may go on in the process.
    /// - Parameter folder: the folder that names are in.
    package static func serve(_ folder: String) {
        alarm(lifeSecondsMax)
        var files = Files(folder: folder)
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            let answer: String
            do {
                answer = try files.obey(words)
            } catch let error as SystemCallError {
                answer = "error \(error.code) \(error.call)"
            } catch {
                answer = "error \(EINVAL) \(words.first ?? "")"
            }
            say(answer)
        }
    }

    private static func say(_ line: String) {
        let bytes = Array("\(line)\n".utf8)
        // Nobody can be told that whoever asked is gone; the next read finds it out.
        _ = write(STDOUT_FILENO, bytes, bytes.count)
    }

    private struct Files: ~Copyable {
        let folder: String
        private var lock: Held?

        init(folder: String) { self.folder = folder }

        /// A lock by a descriptor of its own, so that closing another does not drop it.
        private final class Held {
            let name: String
            let file: LockedFile
            init(_ name: String, _ path: String) throws {
                self.name = name
                file = try LockedFile(path)
            }
        }

        mutating func obey(_ words: [String]) throws -> String {
            switch (words.first, words.count) {
            case ("lock", 3):
                guard let kind = LockedFile.Kind(rawValue: words[1]) else { break }
                let held =
                    if let lock, lock.name == words[2] { lock } else {
                        try Held(words[2], "\(folder)/\(words[2])")
                    }
                lock = held
                return try held.file.hold(kind) ? "yes" : "no"
            case ("unlock", 3):
                guard let kind = LockedFile.Kind(rawValue: words[1]), let lock else { break }
                try lock.file.letGo(kind)
                return "yes"
            case ("text", 2):
                let file = try LockedFile("\(folder)/\(words[1])")
                guard try file.hold(.flock) else { return "no" }
                let bytes = try file.file.readAll(bytesMax: 4_096) ?? []
                return String(decoding: bytes, as: UTF8.self)
            case ("watch", 2):
                return try watch(words[1])
            default: break
            }
            throw SystemCallError(words.first ?? "", EINVAL)
        }

        /// Reads the file as the stores do until its last content is there.
        private func watch(_ name: String) throws -> String {
            var (reads, missing, partial) = (0, 0, 0)
            let end = ContinuousClock.now + .seconds(20)
            say("ready")
            while ContinuousClock.now < end {
                reads += 1
                let bytes = try AtomicFile.read(name, in: folder, bytesMax: 2 * replacedBytes)
                guard let bytes else {
                    missing += 1
                    continue
                }
                guard bytes.count == replacedBytes, bytes.allSatisfy({ $0 == bytes[0] }) else {
                    partial += 1
                    continue
                }
                if bytes[0] == lastLetter { break }
            }
            return "\(reads) \(missing) \(partial)"
        }
    }
}
