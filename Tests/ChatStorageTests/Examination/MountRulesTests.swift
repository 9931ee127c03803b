import Testing

@testable import ChatStorage

@Suite("verdicts on mounts")
struct MountRulesTests {
    private static let good =
        "rw,relatime,vers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,local_lock=none"

    private static func nfs(_ options: String, type: String = "nfs4", source: String = "nas:/x") -> Mount {
        Mount(
            mountPoint: "/mnt/stoa", type: type, source: source,
            options: options.split(separator: ",").map(String.init))
    }

    private static func verdict(_ findings: [Finding]) -> Finding.Severity? {
        findings.map(\.severity).max()
    }

    @Test("NFS 4.1 and 4.2 with the recommended options are good", arguments: ["vers=4.1", "vers=4.2"])
    func recommended(version: String) {
        let options = Self.good.replacing("vers=4.1", with: version)
        #expect(Self.verdict(MountRules.findings(Self.nfs(options))) == .good)
    }

    @Test(
        "an option that would lose data is refused by a sentence that names it and the cure",
        arguments: [
            ("hard", "soft", "mount.soft", "hard"), ("hard", "softerr", "mount.soft", "hard"),
            ("local_lock=none", "local_lock=posix", "mount.local_lock", "local_lock=none"),
            ("local_lock=none", "local_lock=flock", "mount.local_lock", "local_lock=none"),
            ("local_lock=none", "local_lock=all", "mount.local_lock", "local_lock=none"),
            ("hard", "hard,nolock", "mount.nolock", "lock"), ("hard", "hard,nocto", "mount.nocto", "cto"),
            ("rw", "ro", "mount.read_only", "rw"), ("vers=4.1", "vers=3", "mount.version", "vers=4.1"),
            ("vers=4.1", "vers=2", "mount.version", "vers=4.1"),
        ])
    func refused(old: String, new: String, code: String, cure: String) throws {
        let findings = MountRules.findings(Self.nfs(Self.good.replacing(old, with: new)))
        let refused = findings.filter { $0.severity == .refused }
        let finding = try #require(refused.first)
        #expect(refused.count == 1)
        #expect(finding.code == code)
        #expect(finding.option == cure)
        #expect(finding.sentence.contains(cure))
        #expect(!findings.contains { $0.code == "mount.locks" } || code == "mount.read_only")
    }

    @Test(
        "an option that only costs is a warning that names it and the cure",
        arguments: [
            ("hard", "hard,noac", "mount.noac", "noac"),
            ("hard", "hard,acregmin=0,acregmax=0,acdirmin=0,acdirmax=0", "mount.actimeo", "actimeo=0"),
            ("hard", "hard,sync", "mount.sync", "sync"),
            ("hard", "hard,lookupcache=none", "mount.lookupcache", "lookupcache=none"),
            ("rsize=1048576", "rsize=8192", "mount.rsize", "rsize=8192"),
            ("wsize=1048576", "wsize=32768", "mount.wsize", "wsize=32768"),
            ("vers=4.1", "vers=4.0", "mount.version", "version 4.0"),
            ("hard", "hard,nosharecache", "mount.nosharecache", "nosharecache"),
            ("hard", "hard,softreval", "mount.softreval", "softreval"),
        ])
    func warned(old: String, new: String, code: String, named: String) throws {
        let findings = MountRules.findings(Self.nfs(Self.good.replacing(old, with: new)))
        #expect(Self.verdict(findings) == .warning)
        let warnings = findings.filter { $0.severity == .warning }
        #expect(warnings.map(\.code) == [code])
        #expect(warnings[0].sentence.contains(named))
        #expect(warnings[0].option != nil)
    }

    @Test("noac shows as sync too and is one warning")
    func noacSync() {
        let findings = MountRules.findings(Self.nfs(Self.good + ",sync,noac,acregmin=0,acregmax=0"))
        #expect(findings.filter { $0.severity == .warning }.map(\.code) == ["mount.noac"])
    }

    @Test("NFS without a version is what its type says")
    func versionByType() {
        #expect(Self.verdict(MountRules.findings(Self.nfs("rw,hard", type: "nfs"))) == .refused)
        #expect(Self.verdict(MountRules.findings(Self.nfs("rw,hard", type: "nfs4"))) == .warning)
    }

    @Test("lookupcache=pos and nconnect are nothing to speak of")
    func harmless() {
        let findings = MountRules.findings(Self.nfs(Self.good + ",lookupcache=pos,nconnect=4"))
        #expect(Self.verdict(findings) == .good)
    }

    @Test("EFS without noresvport is warned of")
    func efs() {
        let source = "fs-0123456789abcdef0.efs.eu-west-1.amazonaws.com:/"
        let bare = MountRules.findings(Self.nfs(Self.good, source: source))
        #expect(bare.filter { $0.severity == .warning }.map(\.option) == ["noresvport"])
        let cured = MountRules.findings(Self.nfs(Self.good + ",noresvport", source: source))
        #expect(Self.verdict(cured) == .good)
    }

    @Test("an NFS client that takes lost locks back is refused")
    func lostLocks() {
        let findings = MountRules.findings(Self.nfs(Self.good), recoversLostLocks: true)
        #expect(findings.filter { $0.severity == .refused }.map(\.code) == ["client.recover_lost_locks"])
        let local = MountRules.findings(Mount(mountPoint: "/", type: "ext4"), recoversLostLocks: true)
        #expect(Self.verdict(local) == .good)
    }

    @Test(
        "a file system that cannot keep the promises is refused",
        arguments: [
            "fuse.sshfs", "cifs", "smb3", "9p", "vboxsf", "autofs", "fuse.s3fs", "fuse.mountpoint-s3", "afs",
        ])
    func badTypes(type: String) {
        let findings = MountRules.findings(Mount(mountPoint: "/m", type: type, options: ["rw"]))
        #expect(Self.verdict(findings) == .refused)
        #expect(findings[0].sentence.contains(type))
        #expect(findings[0].sentence.contains("vers=4.1,hard"))
    }

    @Test(
        "a file system that is lost with its host, or that nobody tested, is warned of",
        arguments: ["tmpfs", "overlay", "ceph", "virtiofs", "fuse.unheard-of", "exotic"])
    func warnedTypes(type: String) {
        let findings = MountRules.findings(Mount(mountPoint: "/m", type: type, options: ["rw"]))
        #expect(Self.verdict(findings) == .warning)
    }

    @Test("a local disk is good, read-only refused, without barriers warned of")
    func local() {
        func verdict(_ options: String...) -> Finding.Severity? {
            Self.verdict(MountRules.findings(Mount(mountPoint: "/m", type: "ext4", options: options)))
        }
        #expect(verdict("rw", "relatime") == .good)
        #expect(verdict("ro") == .refused)
        #expect(verdict("rw", "nobarrier") == .warning)
        #expect(verdict("rw", "barrier=0") == .warning)
    }

    @Test("locks that a cluster file system keeps on the host are refused")
    func clusterLocks() {
        let findings = MountRules.findings(
            Mount(mountPoint: "/m", type: "lustre", options: ["rw", "localflock"]))
        #expect(findings.filter { $0.severity == .refused }.map(\.option) == ["flock"])
    }
}
