"""People chat through tasks on two real hosts, which lose processes and their power; afterwards every acknowledgement is
looked for. The clients, the model and the checker are those of the cluster tests.

Run by `run --cells chaos`, inside the laboratory's network:  chaos.py STOA SECONDS SESSIONS SEED
"""

import asyncio
import os
import pathlib
import random
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Cluster"))
sys.dont_write_bytecode = True

import client  # noqa: E402
from checker import Checker  # noqa: E402
from stage import Chat  # noqa: E402

GATEWAY = "10.77.0.1"
PORT = 8080
READY_SECONDS_MAX = 120
DRAIN_SECONDS = 5


async def lab(*words, seconds_max=240):
    process = await asyncio.create_subprocess_exec(
        HERE / "lab", *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT)
    out, _ = await asyncio.wait_for(process.communicate(), seconds_max)
    return out.decode()


class Host:
    """A host that runs one task."""

    def __init__(self, name, stoa, model_url, folder):
        self.name, self.url = name, f"http://10.77.0.{10 + int(name[1:])}:{PORT}"
        self.pid_file = folder / f"{name}.task.pid"
        self.command = (
            f"echo $BASHPID >{self.pid_file}; OPENAI_BASE_URL={model_url} OPENAI_API_KEY=test "
            f"STOA_OPENAI_MODELS=scripted exec {stoa} serve --volume /mnt/nfs/chaos --host 0.0.0.0 --port {PORT} "
            f"--drain {DRAIN_SECONDS}")
        self.log = folder / f"{name}.task.log"
        self.is_up, self.task, self.process = False, None, None

    async def start(self):
        with open(self.log, "ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                HERE / "lab", "run", self.name, self.command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < until:
            try:
                response = await client.request(self.url, "GET", "/models", seconds=3)
                self.task, self.is_up = response.task, True
                return
            except client.Unanswered:
                await asyncio.sleep(0.3)
        raise AssertionError(f"the task on {self.name} was not ready within {READY_SECONDS_MAX} s; see {self.log}")

    async def kill(self, checker):
        """kill -9 of the task; the host lives."""
        self.is_up = False
        await lab("run", self.name, f"kill -9 $(cat {self.pid_file})")
        checker.died(self.task, time.monotonic())

    async def crash(self, checker):
        """The host loses its power, and gets it back after a while."""
        self.is_up = False
        await lab("crash", self.name)
        checker.died(self.task, time.monotonic())
        await asyncio.sleep(5)
        await lab("boot", self.name)


class Stage:
    """What `Chat` wants of a stage: a place to send to, drawn anew for each request among the hosts that are up, as a
    balancer without stickiness does."""

    def __init__(self, hosts, seed):
        self.hosts, self.random = hosts, random.Random(seed)
        self.checker, self.readers, self.cluster = Checker(), [], self

    def url(self):
        living = [host for host in self.hosts if host.is_up] or self.hosts
        return self.random.choice(living).url

    async def chat(self, number):
        key = (await client.persist(self.url, "POST", "/sessions", body={})).json["key"]
        identity = f"c{number}"
        await client.persist(self.url, "POST", "/conversations", key, {"id": identity})
        return Chat(self, key, identity)


async def chatter(stage, chat, is_over):
    """Asks, reads, stops now and then, loses its connection and comes back."""
    draw, reader, turns = stage.random, chat.read(), 0
    while not is_over.is_set():
        turn, _ = await chat.ask(
            pieces=draw.randint(5, 60), pace_ms=draw.randint(40, 200), first_ms=draw.choice([0, 0, 800]), seconds=180)
        answer, whim = turn["answer"]["id"], draw.random()
        await asyncio.sleep(draw.uniform(0, 1.5))
        if whim < 0.15:
            await chat.stop()
        elif whim < 0.3:
            reader.cut()
        elif whim < 0.4:
            reader.reload()
        await reader.until("an end", lambda reader: answer in reader.messages
                           and reader.messages[answer].state != "running", seconds=180)
        turns += 1
    return turns


async def trouble(stage, seconds, deeds):
    """Kills tasks, and crashes each host once."""
    begun, crashed = time.monotonic(), []
    while time.monotonic() - begun < seconds:
        await asyncio.sleep(stage.random.uniform(6, 10))
        host = stage.random.choice(stage.hosts)
        if time.monotonic() - begun > seconds * (len(crashed) + 1) / 3 and len(crashed) < len(stage.hosts):
            host = stage.hosts[len(crashed)]
            crashed.append(host)
            await host.crash(stage.checker)
            deeds.append(f"{host.name} lost its power")
        else:
            await host.kill(stage.checker)
            deeds.append(f"the task on {host.name} was killed")
        await host.start()


async def main():
    stoa, seconds, sessions, seed = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    folder = pathlib.Path(os.environ["STOA_LAB_WORK"])
    model = subprocess.Popen(
        [sys.executable, "-B", HERE.parent / "Cluster/model.py", GATEWAY], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True)
    url = f"http://{GATEWAY}:{model.stdout.readline().strip()}"
    hosts = [Host(name, stoa, url, folder) for name in ("c1", "c2")]
    stage, is_over, deeds = Stage(hosts, seed), asyncio.Event(), []
    try:
        for host in hosts:
            await host.start()
        chats = await asyncio.gather(*(stage.chat(number) for number in range(sessions)))
        people = [asyncio.ensure_future(chatter(stage, chat, is_over)) for chat in chats]
        await trouble(stage, seconds, deeds)
        is_over.set()
        turns = sum(await asyncio.gather(*people))
        figures = await stage.checker.check(stage.url, seconds=90)
        states = ", ".join(f"{figures[state]} {state}" for state in ("complete", "stopped", "interrupted") if figures[state])
        print(f"{turns} turns of {sessions} sessions in {seconds:.0f} s; {len(deeds)} deaths, of them "
              f"{sum('power' in deed for deed in deeds)} of whole hosts; {figures['acknowledged']} acknowledged ({states}): "
              f"0 lost, 0 doubled, 0 out of order; at most {figures['missing_ms']} ms of what a reader saw are missing; "
              f"{stage.checker.failures}")
    finally:
        for reader in stage.readers:
            await reader.stop()
        for host in hosts:
            if host.is_up:
                await lab("run", host.name, f"kill -TERM $(cat {host.pid_file})")
        model.stdin.close()
        model.wait(5)


asyncio.run(main())
