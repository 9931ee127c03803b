"""One table: runs of stoa-bench on hosts of the laboratory, what came of them, and what was promised and not kept."""

import json
import os
import subprocess
import time

from laboratory import Broken, Worker

WAIT_SECONDS_MAX = 560


class Measuring:
    """What a table is made with."""

    def __init__(self, lab, into, name, is_short):
        self.lab, self.into, self.name, self.is_short = lab, into, name, is_short
        self.parts, self.broken, self.loads, self.count = [], [], [], 0

    # What the laboratory does

    def delay(self, milliseconds):
        """The one-way delay of everything that the NFS server sends."""
        # Taking away a delay that is not there is an error of the laboratory's and none of ours.
        self.lab.lab("delay", f"{milliseconds}ms" if milliseconds else "0", check=bool(milliseconds))

    def one_host(self, *words, label="", name="one"):
        """A run on one host. Returns its results."""
        return self.run([("c1", [*words])], label, name)

    def two_hosts(self, *words, label="", name="two"):
        """A run on two hosts that meet on the volume. Returns their results, joined."""
        return self.run([("c1", [*words]), ("c2", [*words])], label, name)

    def run(self, hosts, label="", name="run"):
        """Runs of several hosts, each with words of its own; two or more are workers of one run."""
        self.count += 1
        run = f"{self.name}-{self.count}-{os.getpid()}"
        self.lab.run("c2", "rm -rf /mnt/nfs/bench; mkdir /mnt/nfs/bench")
        self.loads.append(load())
        workers, files = [], []
        for number, (host, words) in enumerate(hosts):
            files.append(self.lab.folder / f"{run}-{number}.json")
            form = ["worker", "--run", run, "--of", str(len(hosts))] if len(hosts) > 1 else ["run"]
            workers.append(Worker(self.lab, host, f"{run}-{host}", self.lab.worker, *form, "--volume /mnt/nfs/bench",
                                  "--quiet", f"--json {files[-1]}", *words))
            # Workers are numbered by their names, which begin with their hosts'.
        said = [worker.end(WAIT_SECONDS_MAX) for worker in workers]
        self.loads.append(load())
        if not all(path.exists() for path in files):
            raise Broken(f"{run} has no results: {said}")
        kept = self.into / f"{self.name}{'-' + label if label else ''}.json"
        joined = subprocess.run([self.lab.worker, "report", *files, "--json", kept], capture_output=True, text=True,
                                timeout=60)
        if joined.returncode:
            raise Broken(f"{run}: {joined.stderr}")
        return Results(kept)

    # What is said

    def say(self, text):
        """A paragraph of the table's section."""
        self.parts.append(text)

    def table(self, heads, rows):
        """A table of the section; cells are texts."""
        lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
        self.parts.append("\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]))

    def require(self, kept, promise):
        if not kept:
            self.broken.append(promise)

    def text(self):
        """The section."""
        loads = f"Load of the machine (2 processors) while this was measured: {min(self.loads, default=0):.0f} to " \
                f"{max(self.loads, default=0):.0f}. `Tests/Bench/run --table {self.name}`"
        broken = [f"**BROKEN: {what}**" for what in self.broken]
        return "\n\n".join(self.parts + broken + [loads]) + "\n"


class Results:
    """The cells of a file of results."""

    def __init__(self, path):
        self.path = path
        self.run = json.loads(path.read_text())
        self.notes = self.run["notes"]

    def cell(self, store, workload, point=0):
        """One cell; None when it was not measured."""
        for cell in self.run["cells"]:
            key = cell["key"]
            if (key["store"], key["workload"], key["point"]) == (store, workload, point):
                return Cell(cell)
        return None


class Cell:
    """What was measured of one store under one workload, all hosts and rounds."""

    def __init__(self, cell):
        self.rounds = cell["rounds"]
        self.hosts = cell["key"]["hosts"]
        self.operations = sum(sum(sum(h["counts"]) for h in r["latencies"].values()) for r in self.rounds)
        self.failures = sum(sum(r["failures"].values()) for r in self.rounds)

    @property
    def rate(self):
        """Operations a second, the median of the rounds."""
        rates = {}
        for one in self.rounds:
            count = sum(sum(h["counts"]) for h in one["latencies"].values())
            rates[one["number"]] = rates.get(one["number"], 0) + count / one["seconds"]
        ordered = sorted(rates.values())
        middle = len(ordered) // 2
        return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2

    @property
    def by_type(self):
        """NFS calls an operation, by type."""
        sums = {}
        for one in self.rounds:
            for name, count in one["cost"]["calls"].items():
                sums[name] = sums.get(name, 0) + count
        return {name: count / max(1, self.operations) for name, count in sums.items()}

    @property
    def calls(self):
        return sum(self.by_type.values())

    @property
    def calls_granted(self):
        """Without locks that another host held: how often a host asks for one depends on when the two met, not on what an
        operation costs. The engine gives back every lock that it takes, so what is left over was refused."""
        said = self.by_type
        return self.calls - max(0.0, said.get("LOCK", 0) - said.get("LOCKU", 0))

    @property
    def kilobytes(self):
        """Over the network, an operation."""
        return sum(sum(one["cost"]["bytes"].values()) for one in self.rounds) / max(1, self.operations) / 1e3

    def percentile(self, share):
        """Milliseconds that so many operations did not exceed, all together."""
        counts, longest = {}, 0
        for one in self.rounds:
            for histogram in one["latencies"].values():
                longest = max(longest, histogram["max"])
                for bucket, count in zip(histogram["buckets"], histogram["counts"]):
                    counts[bucket] = counts.get(bucket, 0) + count
        rank, seen = max(1, -(-sum(counts.values()) * share // 1)), 0
        for bucket, count in sorted(counts.items()):
            seen += count
            if seen >= rank:
                return min(upper_end(bucket), longest) / 1e3
        return longest / 1e3

    @property
    def longest(self):
        return max((h["max"] for one in self.rounds for h in one["latencies"].values()), default=0) / 1e3


def upper_end(bucket):
    """As Histogram.upperEnd of stoa-bench."""
    if bucket < 256:
        return bucket
    shift = bucket // 128 - 1
    return ((bucket - shift * 128 + 1) << shift) - 1


def load():
    return float(open("/proc/loadavg").read().split()[0])


def now():
    return time.monotonic()
