"""The fault matrix: what is done to the hosts while they write. Each function is a cell."""

import time

from laboratory import LEASE_SECONDS, Worker, numbers

STORES = {
    "volume": "--store sqlite --engine volume",
    "portable": "--store sqlite --engine portable",
    "files": "--store files",
}
LONGEST_WAIT_MS = 1_000  # of any request while nobody fails, with two hosts; each more of them takes its turn as well
MORE_WAIT_MS = 500
SERVES_AGAIN_SECONDS = 5  # a host after its partition healed
# Of a worker that was cut off: what was answered before may be noted only when it is back.
IN_FLIGHT = 8
# A host's sessions after it crashed: the promise is the lease and 2 s. The server looks for expired leases once a
# second and counts whole ones, so that it alone can take those 2 s; a third keeps a loaded machine from failing.
TAKEN_OVER_SECONDS = LEASE_SECONDS + 3
SHORT_TAKEN_OVER_SECONDS = LEASE_SECONDS + 5  # in a short run, on a machine that is not the laboratory's alone


class Cell:
    """One run of one engine: its workers, what was measured, what was promised and not kept; in `late` what was only late."""

    def __init__(self, lab, name, engine, is_long):
        self.lab, self.name, self.engine, self.is_long = lab, name, engine, is_long
        self.volume = lab.volume(f"{name}-{engine}")
        self.workers, self.notes, self.broken, self.late = [], [], [], []
        self.said = {}
        self.is_killed = False

    def hammer(self, host, seconds, *, name=None, shards=2, sessions=4, clients=8, seed=1, answer_bytes=0):
        name = name or host
        worker = Worker(
            self.lab, host, name, self.lab.worker, "hammer", self.volume, STORES[self.engine], f"--name {name}",
            f"--acks {self.lab.folder}/{name}.acks", f"--seconds {seconds} --shards {shards}",
            f"--sessions {sessions} --clients {clients} --seed {seed} --answer-bytes {answer_bytes}")
        self.workers.append(worker)
        return worker

    def note(self, text):
        self.notes.append(text)

    def require(self, kept, promise):
        if not kept:
            self.broken.append(promise)

    def require_in_time(self, kept, promise):
        if not kept:
            self.late.append(promise)

    def end(self):
        """Waits for the workers and keeps what each said last."""
        for worker in self.workers:
            lines = worker.end()
            self.said[worker.name] = lines[-1] if lines else ""
        return {name: numbers(line) for name, line in self.said.items()}

    def require_short_waits(self):
        longest = LONGEST_WAIT_MS + MORE_WAIT_MS * (len(self.workers) - 2)
        said = self.end()
        self.note(f"longest wait {max(one.get('max_ms', 1e9) for one in said.values()):.0f} ms")
        for name, one in said.items():
            self.require("max_ms" in one, f"{name} did not say how long it waited")
            self.require_in_time(one.get("max_ms", 0) <= longest, f"{name} waited {one.get('max_ms')} ms while nobody failed")

    def check(self):
        """Has every acknowledgement looked for. Returns (sound, the checker's last line, its faults)."""
        self.end()
        acks = " ".join(f"--acks {worker.acks}" for worker in self.workers if worker.acks.exists())
        command = "check-killed" if self.is_killed else "check"
        done = self.lab.lab("run", "c2", f"{self.lab.worker} {command} {self.volume} {acks}", check=False)
        lines = done.stdout.strip().splitlines() or ["the checker said nothing"]
        return done.returncode == 0, lines[-1], lines[:-1]


def quiet(cell, seconds=20):
    """two hosts, the same sessions, nothing happens"""
    for host in ("c1", "c2"):
        cell.hammer(host, seconds)
    cell.require_short_waits()


def spread(cell, seconds=20):
    """two hosts, 16 shards, 64 sessions at random"""
    for host in ("c1", "c2"):
        cell.hammer(host, seconds, shards=16, sessions=64, clients=16)
    cell.require_short_waits()


def three(cell, seconds=20):
    """three hosts, the same sessions"""
    for host in ("c1", "c2", "c3"):
        cell.hammer(host, seconds)
    cell.require_short_waits()


def apart(cell, seconds=20):
    """three hosts, each its own sessions, in the same shards"""
    for seed, host in enumerate(("c1", "c2", "c3")):
        cell.hammer(host, seconds, seed=seed + 1)
    cell.require_short_waits()


def large(cell, seconds=20):
    """two hosts, answers of 100 KB"""
    for host in ("c1", "c2"):
        cell.hammer(host, seconds, clients=4, answer_bytes=100_000)
    cell.end()


def skew(cell, seconds=20):
    """two hosts whose clocks are 10 minutes apart"""
    cell.lab.lab("clock", "c1", "600")
    try:
        for host in ("c1", "c2"):
            cell.hammer(host, seconds)
        cell.require_short_waits()
    finally:
        cell.lab.lab("clock", "c1", "-600")


def kill(cell, kills=6):
    """kill -9 of one host's process, again and again, most often with the lock in its hand"""
    cell.is_killed = True
    survivor = cell.hammer("c2", kills * 4 + 8, shards=1)
    longest = 0
    for number in range(kills):
        victim = cell.hammer("c1", 60, name=f"c1-{number}", shards=1)
        if victim.wait_for_first() is None:
            cell.require(False, f"the worker after kill {number} acknowledged nothing in 20 s")
        time.sleep(1.5)
        victim.kill()
        longest = max(longest, survivor.wait_for_more(20) or 20)
    cell.note(f"{kills} kills; the other host's next answer at most {longest * 1e3:.0f} ms later")


def crash(cell, crashes=2):
    """a host loses its power, most often with the lock in its hand"""
    cell.is_killed = True
    limit = TAKEN_OVER_SECONDS if cell.is_long else SHORT_TAKEN_OVER_SECONDS
    survivor = cell.hammer("c2", crashes * (limit + 20), shards=1)
    longest = 0
    for number in range(crashes):
        victim = cell.hammer("c1", 60, name=f"c1-{number}", shards=1)
        if victim.wait_for_first() is None:
            cell.require(False, f"the worker after crash {number} acknowledged nothing in 20 s")
        time.sleep(3)
        cell.lab.lab("crash", "c1")
        # What it sent last may still be on its way for a moment.
        quietest = 0
        until = time.monotonic() + limit + 1
        while time.monotonic() < until:
            waited = survivor.wait_for_more(limit + 1)
            quietest = max(quietest, limit + 1 if waited is None else waited)
        longest = max(longest, quietest)
        cell.lab.lab("boot", "c1")
    cell.require_in_time(longest <= limit, f"the other host stood still for {longest:.1f} s")
    cell.note(f"{crashes} crashes; the other host stood still for at most {longest:.1f} s (lease {LEASE_SECONDS} s)")


def partition(cell, cuts=2):
    """a host is cut off for 1.6 leases and comes back"""
    seconds = cuts * (LEASE_SECONDS * 1.6 + 10) + 8
    gone, stays = cell.hammer("c1", seconds), cell.hammer("c2", seconds)
    stays.wait_for_first()
    gone.wait_for_first()
    time.sleep(3)
    longest = 0
    for _ in range(cuts):
        cell.lab.lab("cut", "c1")
        before = stays.acknowledged
        time.sleep(LEASE_SECONDS * 1.6)
        cell.note(f"{stays.acknowledged - before} acknowledged by the other host meanwhile")
        cell.lab.lab("heal", "c1")
        back = gone.wait_for_more(20, IN_FLIGHT + 1)
        longest = max(longest, 20 if back is None else back)
        time.sleep(8)
    cell.require(longest <= SERVES_AGAIN_SECONDS, f"the host served again only after {longest:.1f} s")
    cell.note(f"served again {longest:.1f} s after the heal")


def _moved(cell, away, back):
    """One host is away while its only shard moves to the second and then to the third host."""
    first = cell.hammer("c1", LEASE_SECONDS * 5 + 20, shards=1)
    first.wait_for_first()
    time.sleep(2)
    cell.lab.lab(away, "c1")
    second = cell.hammer("c2", LEASE_SECONDS + 8, shards=1)
    took = second.wait_for_first(LEASE_SECONDS * 2 + 10)
    cell.require(took is not None, "the second host never got the shard")
    second.process.wait()
    third = cell.hammer("c3", LEASE_SECONDS * 2 + 6, shards=1)
    third.wait_for_first()
    time.sleep(2)
    cell.lab.lab(back, "c1")
    again = first.wait_for_more(20, IN_FLIGHT + 1)
    cell.note(f"moved after {took or 0:.1f} s, then once more; served again {again or 20:.1f} s after its return")
    cell.require(again is not None and again <= SERVES_AGAIN_SECONDS, "the host did not serve again within 5 s")


def moved(cell):
    """a host is cut off, its shard moves twice, it comes back in the middle of its batch"""
    _moved(cell, "cut", "heal")


def asleep(cell):
    """a host's kernel stands still, its shard moves twice, it wakes up in the middle of its batch"""
    _moved(cell, "freeze", "thaw")


def restart(cell, seconds=45):
    """the NFS service forgets all state and comes back, twice"""
    for host in ("c1", "c2"):
        cell.hammer(host, seconds)
    time.sleep(6)
    for _ in range(2):
        cell.lab.lab("restart-server")
        time.sleep(LEASE_SECONDS + 4)
    cell.end()


def full(cell, seconds=24):
    """no space on the volume for 8 s"""
    for host in ("c1", "c2"):
        cell.hammer(host, seconds)
    time.sleep(5)
    cell.lab.run("server", "dd if=/dev/zero of=/mnt/export/ballast bs=64k status=none || true")
    time.sleep(8)
    cell.lab.run("server", "rm /mnt/export/ballast")
    cell.end()


ALL = [quiet, spread, three, apart, large, skew, kill, crash, partition, moved, asleep, restart, full]
