/// What the options of an NFS mount mean for the data (nfs(5)). The kernel shows the values in force, so what
/// it does not show is at its default.
///
/// Nothing is said about `nconnect` (one session over several connections; EFS ignores it),
/// `lookupcache=all` (the default: whoever must see a new name opens its folder first, see `AtomicFile.read`)
/// and `timeo`/`retrans` (on a hard mount they only say how often it is tried again).
enum NFSRules {
    /// Below this a commit does not fit one call: it then takes several, and one COMMIT more.
    private static let transferBytesWanted = 65_536

    static let lostLocks = Finding(
        "client.recover_lost_locks", .refused,
        """
        The NFS client takes lost locks back (module parameter nfs.recover_lost_locks=Y): a host that was \
        away would write over the work of others. Set it to N.
        """, option: "nfs.recover_lost_locks=0")

    static func findings(_ mount: Mount) -> [Finding] {
        var findings = [version(mount)]
        findings += refusals(mount)
        findings += warnings(mount)
        if !findings.contains(where: { $0.severity == .refused }) {
            findings.append(
                Finding("mount.locks", .good, "Locks go to the server, and calls wait for it (hard)."))
        }
        return findings
    }

    private static func version(_ mount: Mount) -> Finding {
        let version = mount.value("vers") ?? (mount.type == "nfs4" ? "4" : "3")
        let name = "\(mount.mountPoint) is NFS version \(version) from \(mount.source)"
        switch version {
        case "2", "3":
            return Finding(
                "mount.version", .refused,
                """
                \(name): its locks have no lease, so those of a lost host are never freed, and nothing stops \
                a host that comes back from writing. Mount with vers=4.1.
                """, option: "vers=4.1")
        case "4", "4.0":
            return Finding(
                "mount.version", .warning,
                """
                \(name), which has no sessions: a call whose answer was lost can be carried out twice. Mount \
                with vers=4.1.
                """, option: "vers=4.1")
        default:
            return Finding("mount.version", .good, "\(name).")
        }
    }

    private static func refusals(_ mount: Mount) -> [Finding] {
        var findings = [Finding]()
        for option in ["soft", "softerr"] where mount.has(option) {
            findings.append(
                Finding(
                    "mount.soft", .refused,
                    """
                    \(option): when the server is slow, a write is given up and may be lost or happen later. \
                    Mount with hard.
                    """, option: "hard"))
        }
        if mount.has("nolock") {
            findings.append(
                Finding(
                    "mount.nolock", .refused,
                    "nolock keeps locks on this host, so two hosts would write at once. Mount with lock.",
                    option: "lock"))
        }
        if let kind = mount.value("local_lock"), kind != "none" {
            findings.append(
                Finding(
                    "mount.local_lock", .refused,
                    """
                    local_lock=\(kind) keeps locks on this host, so two hosts would write at once. \
                    Mount with local_lock=none.
                    """, option: "local_lock=none"))
        }
        if mount.has("nocto") {
            findings.append(
                Finding(
                    "mount.nocto", .refused,
                    """
                    nocto: opening a file no longer asks the server, so a task would work on what another \
                    host has replaced. Mount with cto.
                    """, option: "cto"))
        }
        return findings
    }

    private static func warnings(_ mount: Mount) -> [Finding] {
        var findings = [Finding]()
        func warn(_ code: String, _ sentence: String, option: String) {
            findings.append(Finding(code, .warning, sentence, option: option))
        }
        let asks = ["acregmin", "acregmax", "acdirmin", "acdirmax"].contains { mount.value($0) == "0" }
        if mount.has("noac") {
            warn(
                "mount.noac",
                "noac: every look at a file asks the server and every write waits. Mount with ac.",
                option: "ac")
        } else if asks || mount.value("actimeo") == "0" {
            warn(
                "mount.actimeo",
                "actimeo=0: every look at a file asks the server for nothing. Leave it out, or actimeo=60.",
                option: "actimeo=60")
        }
        if mount.has("sync") && !mount.has("noac") {
            warn(
                "mount.sync", "sync: every write waits, not only commits. Mount with async.", option: "async")
        }
        if mount.value("lookupcache") == "none" {
            warn(
                "mount.lookupcache",
                "lookupcache=none: every name in a path asks the server. Mount with lookupcache=positive.",
                option: "lookupcache=positive")
        }
        if mount.has("softreval") {
            warn(
                "mount.softreval",
                "softreval: while the server is away, names may be old ones. Mount with nosoftreval.",
                option: "nosoftreval")
        }
        if mount.has("nosharecache") {
            warn(
                "mount.nosharecache",
                "nosharecache: a second mount on this host would have another cache. Mount with sharecache.",
                option: "sharecache")
        }
        for name in ["rsize", "wsize"] {
            guard let bytes = mount.value(name).flatMap({ Int($0) }), bytes < transferBytesWanted else {
                continue
            }
            warn(
                "mount.\(name)",
                "\(name)=\(bytes): what fits one call takes several. Mount with \(name)=1048576.",
                option: "\(name)=1048576")
        }
        if mount.source.contains(".efs.") && !mount.has("noresvport") {
            warn(
                "mount.resvport",
                "EFS without noresvport: after a network failure the mount may hang. Mount with noresvport.",
                option: "noresvport")
        }
        return findings
    }
}
