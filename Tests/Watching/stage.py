"""What a test may use."""

import os
import subprocess

from task import Task

TESTS = []
# Those that need hosts of their own; only run if asked for.
NFS_TESTS = []


def test(function):
    """Registers a test; its first line of documentation is its name."""
    TESTS.append((function.__doc__.splitlines()[0].rstrip("."), function))
    return function


def nfs_test(function):
    """The same for one that needs the laboratory."""
    NFS_TESTS.append((function.__doc__.splitlines()[0].rstrip("."), function))
    return function


class Stage:
    """A folder and tasks that end with the test."""

    def __init__(self, home, stoa, folder):
        self.home, self.stoa, self.folder, self.tasks = home, stoa, folder, []
        self.volume = os.path.join(folder, "volume")

    def task(self, *arguments):
        """Starts a task on the test's volume."""
        log = os.path.join(self.folder, f"task{len(self.tasks) + 1}.log")
        task = Task(self.stoa, self.volume, log, *arguments)
        self.tasks.append(task)
        return task

    def end(self):
        for task in self.tasks:
            task.end()

    def run(self, *command, text=None, expect=0):
        """Runs a command to its end; its output."""
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == expect, f"{command}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def read(self, path):
        """A file of the repository."""
        with open(os.path.join(self.home, path), encoding="utf-8") as file:
            return file.read()
