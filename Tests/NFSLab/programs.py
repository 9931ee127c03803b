"""Programs that are not hammers: the stores' contract on the mount, and many processes in one database."""

import datetime
import subprocess
import sys

from laboratory import HERE, Worker

ROOT = HERE.parent.parent
CLIENTS, ROUNDS = 6, 3
CHAOS_SECONDS, CHAOS_SESSIONS = 120, 30


def place(lab, lease_seconds):
    """Where all this was seen, in one line."""
    kernel = lab.run("c1", "uname -r").strip()
    sqlite = subprocess.run(["sqlite3", "--version"], capture_output=True, text=True, timeout=10).stdout.split(" ")[0]
    processor = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    load = open("/proc/loadavg").read().split()[0]
    day = datetime.datetime.now(datetime.timezone.utc).date()
    return (f"{day}; Linux {kernel}, NFSv4.1, lease {lease_seconds} s, no delegations; SQLite {sqlite}; "
            f"{processor}, load {load} at the beginning")


def suite(lab):
    """Every store passes the whole contract on the NFS mount, and so do the tests of several processes."""
    bundle = ROOT / ".build/debug/stoaPackageTests.xctest"
    volume = lab.volume("suite")
    command = (f"cd {ROOT} && STOA_TEST_VOLUME={volume} STOA_STORAGE_WORKER={lab.worker} TMPDIR=/tmp timeout 560 "
               # One test at a time: a host has one processor, and some of them measure waits.
               f"{bundle} --testing-library swift-testing --no-parallel "
               "--filter 'MemorySessionStoreTests|SQLiteSessionStoreTests|FileSessionStoreTests|"
               "ConcurrentProcessesTests|VolumeTakeoverTests' 2>&1 | tail -n 40")
    text = lab.run("c1", command, check=False)
    last = next((line for line in reversed(text.splitlines()) if "Test run with" in line), "it did not end")
    failed = [line for line in text.splitlines() if "recorded an issue" in line or "failed after" in line]
    return {"engine": "volume", "cell": "suite", "what": suite.__doc__.rstrip("."), "kept": " passed after " in last,
            "notes": [last[last.index("Test run"):] if "Test run" in last else last], "broken": failed[:5]}


def mptest(lab):
    """Many processes on two hosts in one database, every second one dying in a transaction."""
    program = lab.folder / "many_processes"
    sources = sorted((ROOT / "Sources/CVolumeVFS").glob("*.c"))
    volume = lab.volume("mptest")
    tests = ROOT / "Tests/VolumeVFS"
    subprocess.run(
        ["cc", "-std=gnu17", "-O2", "-Wall", "-Wextra", f"-I{ROOT}/Sources/CVolumeVFS/include", *map(str, sources),
         tests / "harness.c", tests / "many_processes.c", "-o", program, "-lsqlite3"], check=True, timeout=120)
    workers = [Worker(lab, host, f"client{number}", f"bash -c '{program} run {volume}/m.db {number} {ROUNDS}; echo status $?'")
               for number, host in zip(range(1, CLIENTS + 1), ["c1", "c2"] * CLIENTS)]
    broken = [line for worker in workers for line in worker.end() if line != "status 0"]
    verdict = lab.run("c2", f"{program} check {volume}/m.db {CLIENTS} {ROUNDS}", check=False).strip()
    return {"engine": "volume", "cell": "mptest", "what": mptest.__doc__.rstrip("."),
            "kept": not broken and verdict.endswith("integrity ok"), "notes": [verdict], "broken": broken[:5]}


def chaos(lab):
    """People chat through tasks on two hosts; tasks are killed, and each host loses its power once."""
    lab.volume("chaos")
    lab.run("c2", "rmdir /mnt/nfs/chaos")
    done = subprocess.run(
        ["ip", "netns", "exec", f"stoalab-{lab.name}", sys.executable, "-B", HERE / "chaos.py",
         ROOT / ".build/debug/stoa", str(CHAOS_SECONDS), str(CHAOS_SESSIONS), lab.seed],
        env=dict(lab.environment, STOA_LAB_WORK=str(lab.folder)), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=CHAOS_SECONDS + 600)
    reason = done.stderr.strip().splitlines()[-1:]
    if done.returncode:
        for log in sorted(lab.folder.glob("*.task.log")):
            done.stderr += f"\n--- {log.name}\n" + "\n".join(line for line in log.read_text(errors="replace").splitlines() if " info " not in line)[-1500:]
        sys.stderr.write(done.stderr[-6000:] + "\n")
    lines = done.stdout.strip().splitlines()
    return {"engine": "volume", "cell": "chaos", "what": chaos.__doc__.rstrip("."), "kept": done.returncode == 0,
            "notes": lines[-1:] or ["it broke off"], "broken": reason if done.returncode else []}
