/// What is mounted where, as `/proc/self/mountinfo` says (proc_pid_mountinfo(5)).
struct MountTable: Sendable {
    /// In the kernel's order: of two with the same mount point the later one hides the earlier.
    let mounts: [Mount]

    /// Reads the kernel's text; a line that is not understood is left out, for one odd mount must not hide
    /// the others.
    init(_ text: String) {
        mounts = text.split(separator: "\n").compactMap { Mount(line: $0) }
    }

    /// The mount that `path`, absolute and without symbolic links, lies on.
    ///
    /// The longest mount point that the path begins with, and among equals the last. `device`, the folder's
    /// own `major:minor`, settles the rare rest: a mount that a later one over its parent hides.
    func mount(of path: String, device: String? = nil) -> Mount? {
        var found: Mount?
        var foundOnDevice: Mount?
        for mount in mounts where mount.holds(path) {
            if mount.mountPoint.utf8.count >= found?.mountPoint.utf8.count ?? 0 { found = mount }
            if mount.device == device,
                mount.mountPoint.utf8.count >= foundOnDevice?.mountPoint.utf8.count ?? 0
            {
                foundOnDevice = mount
            }
        }
        // Some file systems (btrfs) show files other device numbers than their mount has: then none matches.
        return foundOnDevice ?? found
    }
}

/// One mount.
package struct Mount: Sendable, Equatable, Encodable {
    /// The folder it is mounted on.
    package let mountPoint: String
    /// The file system's type with its subtype: `nfs4`, `ext4`, `fuse.sshfs`.
    package let type: String
    /// What is mounted: a server's folder, a device.
    package let source: String
    /// The folder inside the file system; another than `/` is a bind mount or a subvolume.
    package let root: String
    /// `major:minor`; empty where the system does not say.
    package let device: String
    /// The options of this mount, then those of the whole file system, each once.
    package let options: [String]

    init(
        mountPoint: String, type: String, source: String = "", root: String = "/", device: String = "",
        options: [String] = []
    ) {
        self.mountPoint = mountPoint
        self.type = type
        self.source = source
        self.root = root
        self.device = device
        self.options = options
    }

    /// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`: any number of
    /// optional fields stands before the dash.
    init?(line: Substring) {
        let fields = line.split(separator: " ", omittingEmptySubsequences: false)
        guard fields.count >= 9, let dash = fields[6...].firstIndex(of: "-"), fields.count >= dash + 3
        else { return nil }
        // Super options may be missing on odd file systems; spaces in them are escaped.
        let ofMount = fields[5].split(separator: ",")
        let ofFileSystem = fields.count > dash + 3 ? fields[dash + 3].split(separator: ",") : []
        var options = [String]()
        for option in ofMount + ofFileSystem where !options.contains(String(option)) {
            options.append(Self.unescaped(option))
        }
        self.init(
            mountPoint: Self.unescaped(fields[4]), type: Self.unescaped(fields[dash + 1]),
            source: Self.unescaped(fields[dash + 2]), root: Self.unescaped(fields[3]),
            device: String(fields[2]), options: options)
    }

    /// Whether an option without a value is set.
    package func has(_ option: String) -> Bool { options.contains(option) }

    /// The value of `name=value`.
    package func value(_ name: String) -> String? {
        options.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.utf8.count + 1)) }
    }

    /// Whether it is an NFS mount of any version.
    package var isNFS: Bool { type == "nfs" || type == "nfs4" }

    func holds(_ path: String) -> Bool {
        mountPoint == "/" || path == mountPoint || path.hasPrefix("\(mountPoint)/")
    }

    /// Space, tab, newline and backslash are written as a backslash and three octal digits.
    static func unescaped(_ text: some StringProtocol) -> String {
        guard text.contains("\\") else { return String(text) }
        let bytes = Array(text.utf8)
        var plain = [UInt8]()
        var index = 0
        while index < bytes.count {
            let digits = bytes[index...].dropFirst().prefix(3)
            if bytes[index] == UInt8(ascii: "\\"), digits.count == 3,
                let byte = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                plain.append(byte)
                index += 4
            } else {
                plain.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: plain, as: UTF8.self)
    }
}
