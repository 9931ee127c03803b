"""Drives deploy/local/cluster, and looks at the processes it started."""

import asyncio
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time

import client

TOOL = pathlib.Path(__file__).resolve().parents[2] / "deploy/local/cluster"
COMMAND_SECONDS_MAX = 400


def free_port():
    """Below the range from which the system gives ports to outgoing connections."""
    for _ in range(100):
        port = random.randint(12_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


class Task:
    """One `stoa serve` of the cluster, as `status` shows it."""

    def __init__(self, fields):
        self.number, self.url, self.pid = fields["task"], fields["url"], fields["pid"]
        self.state, self.balancer = fields["state"], fields["balancer"]
        self.id = None

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """kill -9; returns when that was, on the monotonic clock."""
        self.signal(signal.SIGKILL)
        return time.monotonic()

    def resident_megabytes(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Cluster:
    def __init__(self, binary, folder, model_url, arguments):
        self.binary, self.folder, self.arguments = binary, folder, arguments
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        # What the developer's shell points to must not reach the tests.
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_", "OPENAI_", "AWS_"))}
        self.environment = {**clean, "OPENAI_BASE_URL": model_url, "OPENAI_API_KEY": "test",
                            "STOA_OPENAI_MODELS": "scripted", "STOA_CLUSTER": os.path.join(folder, "cluster")}
        self.tasks = []
        # By process id: a task that is paused cannot say its name, but has one.
        self.names = {}

    async def command(self, *words, statuses=(0,)):
        process = await asyncio.create_subprocess_exec(
            str(TOOL), *map(str, words), env=self.environment, stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        out, err = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS_MAX)
        if process.returncode not in statuses:
            raise AssertionError(f"cluster {' '.join(map(str, words))}: status {process.returncode}: {err.decode()[-1500:]}")
        return out.decode()

    async def up(self, count):
        await self.command("up", count, "--stoa", self.binary, "--volume", os.path.join(self.folder, "volume"),
                           "--port", self.port, *self.arguments)
        return await self.look()

    async def look(self):
        """Reads anew which processes there are; those that answer know their names."""
        fields = json.loads(await self.command("status", "--json", statuses=(0, 1)))
        self.tasks = [Task(task) for task in fields["tasks"]]

        async def name(task):
            if task.pid not in self.names and task.state == "ready":
                self.names[task.pid] = (await client.request(task.url, "GET", "/models")).task
            task.id = self.names.get(task.pid)

        await asyncio.gather(*(name(task) for task in self.tasks))
        return self.tasks

    async def down(self):
        await self.command("down", statuses=(0, 1))

    async def start(self, number):
        await self.command("start", number)
        return await self.look()

    async def roll(self, *words):
        return await self.command("roll", *words)

    def named(self, task_id):
        """The task that answered with this X-Served-By."""
        return next(task for task in self.tasks if task.id == task_id)

    def others(self, task):
        return [other for other in self.tasks if other.number != task.number]

    def logs(self, lines=6):
        """The last lines of every log, requests left out."""
        out = []
        for path in sorted(pathlib.Path(self.folder, "cluster/logs").glob("*.log")):
            text = [line for line in path.read_text(errors="replace").splitlines()
                    if " info " not in line or line.endswith("] turn")]
            out += [f"  {path.name}:"] + [f"    {line[:300]}" for line in text[-lines:]]
        return "\n".join(out)

    def complaints(self):
        """Lines of the tasks' logs at level error or critical."""
        return [f"{path.name}: {line}" for path in sorted(pathlib.Path(self.folder, "cluster/logs").glob("task*.log"))
                for line in path.read_text(errors="replace").splitlines()
                if " error " in line[:40] or " critical " in line[:44] or "Fatal error" in line]


def machine_load():
    """The load average of the last minute: other people build here too."""
    return os.getloadavg()[0]


def model_process(folder):
    """Starts the model server; its URL once it listens. It ends with its standard input."""
    log = open(os.path.join(folder, "model.log"), "w")
    process = subprocess.Popen([sys.executable, "-B", str(pathlib.Path(__file__).with_name("model.py"))],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
    port = process.stdout.readline().strip()
    if not port:
        raise AssertionError(f"the model server did not start; see {log.name}")
    return process, f"http://127.0.0.1:{port}"

