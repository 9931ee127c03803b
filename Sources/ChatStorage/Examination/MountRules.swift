/// What a mount's type and options mean for the data, as a value: nothing is asked of the volume.
enum MountRules {
    /// What there is to say about `mount`; `recoversLostLocks` is the NFS client's module parameter.
    static func findings(_ mount: Mount, recoversLostLocks: Bool = false) -> [Finding] {
        var findings = [Finding]()
        if mount.isNFS {
            findings += NFSRules.findings(mount)
            if recoversLostLocks { findings.append(NFSRules.lostLocks) }
        } else {
            findings.append(ofType(mount))
            findings += ofOptions(mount)
        }
        if mount.has("ro") {
            findings.append(
                Finding(
                    "mount.read_only", .refused,
                    "\(mount.mountPoint) is mounted read-only: mount it with rw.",
                    option: "rw"))
        }
        return findings
    }

    private static let localTypes: Set = [
        "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "bcachefs", "reiserfs", "apfs", "hfs",
        "ufs",
    ]
    private static let memoryTypes: Set = ["tmpfs", "ramfs", "rootfs"]
    private static let clusterTypes: Set = [
        "ceph", "lustre", "gpfs", "ocfs2", "gfs2", "beegfs", "virtiofs", "fuse.glusterfs", "fuse.ceph",
        "fuse.ceph-fuse", "fuse.juicefs",
    ]
    /// Why each of these would lose data whatever its options are.
    private static let badTypes = [
        "fuse.sshfs": "its locks are known to this host only, and a lost connection loses writes",
        "cifs": windowsShare,
        "smb3": windowsShare,
        "smbfs": windowsShare,
        "9p": "its locks are mostly known to this host only, and its caches are not kept in step with others",
        "vboxsf": "it does not pass locks on to the host that keeps the files",
        "prl_fs": "it does not pass locks on to the host that keeps the files",
        "fuse.vmhgfs-fuse": "it does not pass locks on to the host that keeps the files",
        "afs": "it stores a file when it is closed and its locks are on whole files",
        "coda": "it stores a file when it is closed and has no locks between hosts",
        "autofs": "it is an automounter's place where nothing is mounted at the moment",
        "fuse.s3fs": objectStore, "fuse.goofys": objectStore, "fuse.mountpoint-s3": objectStore,
        "fuse.rclone": objectStore, "fuse.gcsfuse": objectStore, "fuse.blobfuse": objectStore,
        "fuse.blobfuse2": objectStore, "fuse.geesefs": objectStore,
    ]
    private static let windowsShare =
        "its locks are mandatory and lost at a reconnect, and nothing fences a host that comes back"
    private static let objectStore = "objects have no locks between hosts and cannot be changed in part"

    private static func ofType(_ mount: Mount) -> Finding {
        let name = "\(mount.mountPoint) is \(mount.type)"
        if let reason = badTypes[mount.type] {
            return Finding(
                "mount.type", .refused,
                "\(name): \(reason). Use NFS with vers=4.1,hard, or a local disk for a single host.",
                option: "vers=4.1,hard")
        }
        if localTypes.contains(mount.type) {
            return Finding("mount.type", .good, "\(name), a local disk: any number of tasks on this host.")
        }
        if memoryTypes.contains(mount.type) {
            return Finding(
                "mount.type", .warning,
                "\(name), memory: everything is lost with this host. For tests only.")
        }
        if mount.type == "overlay" || mount.type == "aufs" {
            return Finding(
                "mount.type", .warning,
                """
                \(name), a container's own layer: everything is lost with the container and no other one \
                sees it. Mount a volume there.
                """)
        }
        if clusterTypes.contains(mount.type) {
            return Finding(
                "mount.type", .warning,
                """
                \(name): what is proven here holds on this host; that its locks exclude and fence other \
                hosts was never tested with Stoa. Use one host, or test it.
                """)
        }
        return Finding(
            "mount.type", .warning,
            """
            \(name), which Stoa does not know: what is proven here holds on this host only. Use NFS with \
            vers=4.1,hard for several hosts.
            """)
    }

    private static func ofOptions(_ mount: Mount) -> [Finding] {
        var findings = [Finding]()
        for option in ["localflock", "localflocks"] where mount.has(option) {
            // lustre and the cluster file systems of Linux: the lock never leaves the host.
            findings.append(
                Finding(
                    "mount.local_locks", .refused,
                    "\(option) keeps locks on this host, so two hosts would write at once: remove it.",
                    option: mount.type == "lustre" ? "flock" : nil))
        }
        if mount.has("nobarrier") || mount.value("barrier") == "0" {
            findings.append(
                Finding(
                    "mount.no_barrier", .warning,
                    """
                    nobarrier: a power failure can lose what was acknowledged, unless the disk's own cache \
                    survives it. Mount with barrier.
                    """, option: "barrier"))
        }
        return findings
    }
}
