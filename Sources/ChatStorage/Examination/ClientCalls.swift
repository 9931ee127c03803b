/// What the NFS client of this host counted for one mount, from `/proc/self/mountstats`.
package struct ClientCalls: Sendable, Equatable {
    /// What the kernel counted of one operation since the mount.
    package struct Operation: Sendable, Equatable {
        /// Calls sent to the server.
        package let calls: Int
        /// Those sent again, because no answer came.
        package let repeated: Int
        /// Bytes sent and received, headers included.
        package let bytes: Int
        /// Milliseconds from making the call to its end, all calls together.
        package let milliseconds: Int
        /// Calls that the server answered with an error; a lock that somebody else holds is one. 0 where the
        /// kernel is too old to say.
        package let errors: Int
    }

    /// By the name of the operation.
    package let operations: [String: Operation]
    /// Calls sent to the server since it was mounted, by the name of the operation.
    package var calls: [String: Int] { operations.mapValues(\.calls) }
    /// Bytes that were sent and received for them, by the same names, headers included.
    package var bytes: [String: Int] { operations.mapValues(\.bytes) }
    /// How long the server keeps the locks of a host that it hears nothing from.
    package let leaseSeconds: Int?
    private let mountPoint: String

    /// What the kernel's text says about the NFS mount on `mountPoint`; nil when it says nothing.
    init?(_ text: String, mountPoint: String) {
        var operations = [String: Operation]()
        var lease: Int?
        var isOurs = false
        var isFound = false
        for line in text.split(separator: "\n") {
            if line.hasPrefix("device ") {
                // device server:/export mounted on /mnt/a\040b with fstype nfs4 statvers=1.1
                let words = line.split(separator: " ")
                isOurs =
                    words.count > 7 && Mount.unescaped(words[4]) == mountPoint && words[7].hasPrefix("nfs")
                if isOurs {
                    // The last of several on one mount point is the one that is seen.
                    (operations, lease, isFound) = ([:], nil, true)
                }
                continue
            }
            guard isOurs else { continue }
            let words = line.split { $0 == " " || $0 == "\t" }
            if words.first == "nfsv4:" {
                lease = words.dropFirst().joined().split(separator: ",")
                    .first { $0.hasPrefix("lease_time=") }.flatMap { Int($0.dropFirst(11)) }
            } else if let name = words.first, name.hasSuffix(":"), name.first?.isUppercase == true,
                words.count >= 9, let operation = Operation(words)
            {
                operations[String(name.dropLast())] = operation
            }
        }
        guard isFound else { return nil }
        self.operations = operations
        self.mountPoint = mountPoint
        leaseSeconds = lease
    }

    /// What the running system says about the mount.
    static func now(_ mount: Mount?) -> ClientCalls? {
        guard let mount, mount.isNFS else { return nil }
        return read(mountPoint: mount.mountPoint)
    }

    private static func read(mountPoint: String) -> ClientCalls? {
        SystemText.read("/proc/self/mountstats").flatMap { ClientCalls($0, mountPoint: mountPoint) }
    }

    /// Looks again: what the running system says now about the same mount. Asks nothing of the volume.
    package func again() -> ClientCalls? { Self.read(mountPoint: mountPoint) }

    /// What the running system says about the mount that `folder` lies on; nil when it is no NFS mount. Asks
    /// the volume where it is, and blocks for as long as it takes to answer.
    package static func now(at folder: String) -> ClientCalls? {
        now((try? MountTable.mount(ofFolder: folder)) ?? nil)
    }

    /// The calls since `earlier`, only those that were made.
    package func since(_ earlier: ClientCalls) -> [String: Int] { Self.growth(earlier.calls, calls) }

    /// The bytes since `earlier`, sent and received together, by operation.
    package func bytesSince(_ earlier: ClientCalls) -> [String: Int] { Self.growth(earlier.bytes, bytes) }

    private static func growth(_ earlier: [String: Int], _ now: [String: Int]) -> [String: Int] {
        var grown = [String: Int]()
        for (name, count) in now where count > earlier[name] ?? 0 {
            grown[name] = count - (earlier[name] ?? 0)
        }
        return grown
    }
}

extension ClientCalls.Operation {
    /// A line: the name, calls, transmissions, time-outs, bytes sent and received, milliseconds in the queue,
    /// on the way and in all, errors.
    fileprivate init?(_ words: [Substring]) {
        guard let calls = Int(words[1]), let transmissions = Int(words[2]), let milliseconds = Int(words[8])
        else { return nil }
        bytes = (Int(words[4]) ?? 0) + (Int(words[5]) ?? 0)
        self.calls = calls
        repeated = max(0, transmissions - calls)
        self.milliseconds = milliseconds
        errors = words.count > 9 ? Int(words[9]) ?? 0 : 0
    }
}
