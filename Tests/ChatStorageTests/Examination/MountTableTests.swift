import Testing

@testable import ChatStorage

@Suite("the mount table")
struct MountTableTests {
    private static let text = #"""
        22 27 0:21 / /proc rw,relatime - proc proc rw
        27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
        40 27 0:40 / /mnt/efs rw,relatime shared:20 - nfs4 127.0.0.1:/ rw,vers=4.1,\#
        rsize=1048576,wsize=1048576,namlen=255,hard,noresvport,proto=tcp,port=20049,timeo=600,\#
        retrans=2,sec=sys,clientaddr=127.0.0.1,local_lock=none,addr=127.0.0.1
        41 27 0:41 / /mnt/efs-old rw,relatime - nfs 10.0.0.1:/x rw,vers=3,nolock,local_lock=all
        42 27 0:42 / /net rw shared:3 master:2 propagate_from:1 - autofs /etc/auto.net \#
        rw,fd=7,pgrp=1,timeout=300,direct
        43 42 0:43 / /net/data rw - nfs4 nas:/data rw,vers=4.2,soft,local_lock=none
        44 27 254:0 /srv/stoa /data rw,relatime - ext4 /dev/vda rw,discard
        45 27 0:45 / /mnt/with\040space\011tab\134back rw - nfs4 nas:/a\040b rw,vers=4.1,hard
        46 27 0:46 / /over rw - autofs systemd-1 rw,fd=1
        47 46 0:47 / /over rw - nfs4 nas:/over rw,vers=4.1,hard
        48 27 0:48 / /home/me/remote rw,nosuid,nodev - fuse.sshfs me@host:/srv rw,user_id=0
        not a line
        49 27 0:49 / /odd rw -
        """#
    private let table = MountTable(Self.text)

    @Test("the longest mount point that the path begins with counts, by whole names")
    func longest() {
        #expect(table.mount(of: "/mnt/efs/a/b")?.source == "127.0.0.1:/")
        #expect(table.mount(of: "/mnt/efs")?.type == "nfs4")
        #expect(table.mount(of: "/mnt/efs-old/x")?.type == "nfs")
        #expect(table.mount(of: "/mnt/efsx")?.mountPoint == "/")
        #expect(table.mount(of: "/")?.mountPoint == "/")
    }

    @Test("options of the mount and of the file system are both there, once")
    func options() throws {
        let mount = try #require(table.mount(of: "/mnt/efs"))
        #expect(mount.has("hard") && mount.has("relatime") && !mount.has("soft"))
        #expect(mount.value("vers") == "4.1")
        #expect(mount.value("local_lock") == "none")
        #expect(mount.value("lock") == nil)
        #expect(mount.options.count { $0 == "rw" } == 1)
    }

    @Test("any number of optional fields stands before the dash")
    func optionalFields() {
        #expect(table.mount(of: "/net/other")?.type == "autofs")
        #expect(table.mount(of: "/proc/self")?.type == "proc")
        #expect(table.mount(of: "/mnt/efs")?.device == "0:40")
    }

    @Test("what an automounter has mounted counts, under its folder and over it")
    func automounter() {
        #expect(table.mount(of: "/net/data/stoa")?.source == "nas:/data")
        #expect(table.mount(of: "/over/stoa")?.type == "nfs4")
    }

    @Test("a bind mount is known by its root")
    func bind() {
        #expect(table.mount(of: "/data/stoa")?.root == "/srv/stoa")
    }

    @Test("spaces, tabs and backslashes in paths are read back")
    func escapes() throws {
        let mount = try #require(table.mount(of: "/mnt/with space\ttab\\back/x"))
        #expect(mount.source == "nas:/a b")
        #expect(Mount.unescaped("a\\04") == "a\\04")
        #expect(Mount.unescaped("a\\999") == "a\\999")
        #expect(Mount.unescaped("\\303\\251") == "é")
    }

    @Test("a file system's subtype is part of its type")
    func subtype() {
        #expect(table.mount(of: "/home/me/remote/x")?.type == "fuse.sshfs")
    }

    @Test("a line that is not understood hides no other")
    func malformed() {
        #expect(table.mounts.count == 11)
        #expect(MountTable("").mount(of: "/") == nil)
    }

    @Test("the folder's device finds the mount that is seen when another hides it")
    func hidden() {
        let table = MountTable(
            """
            1 0 8:1 / / rw - ext4 /dev/sda1 rw
            2 1 0:50 / /mnt/a/b rw - nfs4 nas:/b rw,vers=4.1
            3 1 8:2 / /mnt/a rw - xfs /dev/sdb rw
            """)
        #expect(table.mount(of: "/mnt/a/b/c", device: "8:2")?.type == "xfs")
        #expect(table.mount(of: "/mnt/a/b/c", device: "0:50")?.type == "nfs4")
        // btrfs shows its files another device than its mount has.
        #expect(table.mount(of: "/mnt/a/b/c", device: "0:99")?.type == "nfs4")
    }

    @Test("this system's own table knows the folder for temporary files")
    func own() throws {
        let mount = try #require(try MountTable.mount(ofFolder: "/tmp"))
        #expect(mount.mountPoint == "/" || mount.mountPoint.hasPrefix("/"))
        #expect(!mount.type.isEmpty)
        #expect(throws: SystemCallError("realpath", 2)) {
            try MountTable.mount(ofFolder: "/tmp/no such folder")
        }
    }
}

@Suite("the NFS client's counters")
struct ClientCallsTests {
    private static func text(_ writes: Int) -> String {
        """
        device /dev/vda mounted on / with fstype ext4
        device nas:/a mounted on /mnt/a\\040b with fstype nfs4 statvers=1.1
        \topts:\trw,vers=4.1,rsize=1048576
        \tage:\t1234
        \timpl_id:\tname='',domain='',date='0,0'
        \tcaps:\tcaps=0xfffbc0bf,wtmult=512,dtsize=1048576,bsize=0,namlen=255
        \tnfsv4:\tbm0=0xfdffbfff,bm1=0x40f9be3e,bm2=0x60803,acl=0x3,sessions,\
        pnfs=not configured,lease_time=90,lease_expired=0
        \tsec:\tflavor=1,pseudoflavor=1
        \tevents:\t1 2 3 4 5 6
        \txprt:\ttcp 0 0 1 0 0 9 9 0 9 0 2 0 0
        \tper-op statistics
        \t        NULL: 1 1 0 44 24 0 0 0 0
        \t        WRITE: \(writes) \(writes) 0 2048 1024 0 5 5 0
        \t        LOCK: 3 3 0 100 100 0 1 1 0
        device nas:/c mounted on /mnt/c with fstype nfs4 statvers=1.1
        \tper-op statistics
        \t        WRITE: 700 700 0 2048 1024 0 5 5 0
        """
    }

    @Test("the calls and the lease are those of the mount that was asked for")
    func one() throws {
        let calls = try #require(ClientCalls(Self.text(5), mountPoint: "/mnt/a b"))
        #expect(calls.leaseSeconds == 90)
        #expect(calls.calls == ["NULL": 1, "WRITE": 5, "LOCK": 3])
        let other = try #require(ClientCalls(Self.text(5), mountPoint: "/mnt/c"))
        #expect(other.leaseSeconds == nil)
        #expect(other.calls == ["WRITE": 700])
        #expect(ClientCalls(Self.text(5), mountPoint: "/") == nil)
    }

    @Test("a difference names only what was called")
    func difference() throws {
        let before = try #require(ClientCalls(Self.text(5), mountPoint: "/mnt/a b"))
        let after = try #require(ClientCalls(Self.text(21), mountPoint: "/mnt/a b"))
        #expect(after.since(before) == ["WRITE": 16])
        #expect(before.since(before).isEmpty)
    }
}
