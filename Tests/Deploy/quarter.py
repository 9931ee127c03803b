"""A control group like the smallest task of Fargate: a quarter of a processor, 512 MB."""

import os
import pathlib
import subprocess

from suite import Skipped

CPU_PERIOD_MICROSECONDS = 100_000


class Quarter:
    """`share` of one CPU and so many bytes, for what `start` starts. Version 1 and 2 of control groups."""

    def __init__(self, name, share=0.25, bytes_max=512 * 1024 * 1024):
        if os.geteuid() != 0:
            raise Skipped("limits of a control group need root")
        top = pathlib.Path("/sys/fs/cgroup")
        quota = int(CPU_PERIOD_MICROSECONDS * share)
        self.version = 2 if (top / "cgroup.controllers").exists() else 1
        try:
            if self.version == 2:
                (top / "cgroup.subtree_control").write_text("+cpu +memory")
                self.folders = [top / name]
                self.folders[0].mkdir()
                (self.folders[0] / "cpu.max").write_text(f"{quota} {CPU_PERIOD_MICROSECONDS}")
                (self.folders[0] / "memory.max").write_text(str(bytes_max))
            else:
                self.folders = [top / "cpu" / name, top / "memory" / name]
                for folder in self.folders:
                    folder.mkdir()
                (self.folders[0] / "cpu.cfs_period_us").write_text(str(CPU_PERIOD_MICROSECONDS))
                (self.folders[0] / "cpu.cfs_quota_us").write_text(str(quota))
                (self.folders[1] / "memory.limit_in_bytes").write_text(str(bytes_max))
        except OSError as problem:
            self.close()
            raise Skipped(f"this machine lets nobody limit a process: {problem}") from problem

    def start(self, words, **options):
        join = " ".join(f'echo $$ >"{folder}/cgroup.procs";' for folder in self.folders)
        return subprocess.Popen(["bash", "-c", f'{join} exec "$@"', "start", *words], **options)

    def memory_megabytes_max(self):
        """The most it ever had, the pages of files included that it read and wrote."""
        name = "memory.peak" if self.version == 2 else "memory.max_usage_in_bytes"
        return int((self.folders[-1] / name).read_text()) / 1e6

    def throttled(self):
        """(periods in which it wanted more than its share, all periods)."""
        values = dict(line.split() for line in (self.folders[0] / "cpu.stat").read_text().splitlines())
        return int(values["nr_throttled"]), int(values["nr_periods"])

    def was_killed(self):
        """How often the kernel had to kill for memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        return sum(int(line.split()[1]) for line in (self.folders[-1] / name).read_text().splitlines()
                   if line.split()[0] == "oom_kill")

    def close(self):
        for folder in getattr(self, "folders", []):
            try:
                folder.rmdir()
            except OSError:
                pass
