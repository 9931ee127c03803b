"""The laboratory from Python: hosts, workers on them, and what they acknowledged."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
LEASE_SECONDS = 10
RUN_SECONDS_MAX = 600


class Broken(Exception):
    """The laboratory itself, or a program in it, did not do what it was told."""


class Laboratory:
    """Real hosts c1, c2, ... that mount one NFSv4.1 volume at /mnt/nfs. Use as a context manager."""

    def __init__(self, worker, seed, hosts=3):
        self.worker, self.seed, self.hosts = worker, seed, hosts
        self.name = f"run{os.getpid()}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stoa-lab-work."))
        self.environment = dict(os.environ, STOA_LAB=self.name, STOA_LAB_COMMAND_SECONDS=str(RUN_SECONDS_MAX))
        self.environment.setdefault("STOA_LAB_MEMORY", "768M")

    def __enter__(self):
        self.lab("up", "--hosts", str(self.hosts), "--lease", str(LEASE_SECONDS), "--size", "500m")
        return self

    def __exit__(self, *_):
        self.lab("down", check=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    @staticmethod
    def missing():
        """Why it cannot run here; None when it can."""
        found = subprocess.run([HERE / "lab", "possible"], capture_output=True, text=True, timeout=60)
        return None if found.returncode == 0 else found.stdout.strip()

    def lab(self, *words, check=True):
        done = subprocess.run([HERE / "lab", *words], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=RUN_SECONDS_MAX + 60)
        if check and done.returncode:
            raise Broken(f"lab {' '.join(words)[:200]}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def run(self, host, command, check=True):
        """Runs a shell command on a host and returns what it printed."""
        return self.lab("run", host, command, check=check).stdout

    def volume(self, name):
        """A fresh folder on the volume."""
        path = f"/mnt/nfs/{name}"
        self.run("c2", f"rm -rf {path}; mkdir {path}")
        for old in self.folder.glob("*"):
            old.unlink()
        return path


class Worker:
    """A program on a host, `storage-worker` most often, started at once."""

    def __init__(self, lab, host, name, *words):
        self.lab, self.host, self.name = lab, host, name
        self.acks = lab.folder / f"{name}.acks"
        self.pid = lab.folder / f"{name}.pid"
        command = f"echo $BASHPID >{self.pid}; exec {' '.join(words)}"
        # Not a pipe: one that nobody reads until the end is full after a thousand lines of log, and whoever writes the next
        # one stands still, with the lock in its hand.
        self.output = tempfile.TemporaryFile("w+", errors="replace")
        self.process = subprocess.Popen(
            [HERE / "lab", "run", host, command], env=lab.environment, stdin=subprocess.DEVNULL,
            stdout=self.output, stderr=subprocess.STDOUT)
        self.began = time.monotonic()

    @property
    def acknowledged(self):
        """How many acknowledgements it has noted: lines of its file."""
        try:
            return self.acks.read_bytes().count(b"\n")
        except FileNotFoundError:
            return 0

    def kill(self):
        self.lab.run(self.host, f"kill -9 $(cat {self.pid})", check=False)

    def wait_for_more(self, seconds_max, count=1):
        """Waits for its next acknowledgements. Returns the seconds it took, None if there were too few."""
        before, began = self.acknowledged, time.monotonic()
        while time.monotonic() - began < seconds_max:
            if self.acknowledged >= before + count:
                return time.monotonic() - began
            time.sleep(0.01)
        return None

    def wait_for_first(self, seconds_max=20):
        """Waits until it has acknowledged anything at all. Returns the seconds it took, None if it did not."""
        return 0.0 if self.acknowledged else self.wait_for_more(seconds_max)

    def end(self, seconds_max=240):
        """What it said, when it has ended."""
        late = ""
        try:
            self.process.wait(seconds_max)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            late = f"\nfailed: {self.name} still ran after {seconds_max} s"
        self.output.seek(0)
        text = self.output.read() + late
        return [line for line in text.splitlines() if line != "ready" and "Killed" not in line]


def numbers(line):
    """The `name=number` words of a line."""
    found = {}
    for word in line.split():
        name, _, value = word.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            pass
    return found
