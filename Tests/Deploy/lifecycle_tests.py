"""The life cycle that ECS gives a service, against real processes: rolled by deploy.sh while people chat."""

import asyncio
import time
import types

import client
from checker import Checker
from stage import Chat, spread

import account
from cluster import model_process
from suite import report, test
from typist import Typist

# Waits of the template that only cost time are divided by this in the short run.
HURRY = 5
PEOPLE, PEOPLE_LONG = 20, 60
SECRET = f"arn:aws:secretsmanager:{account.REGION}:{account.ACCOUNT}:secret:key-AbCdEf"



class People:
    """Who chat through the load balancer while the service is replaced, and the checker that knows every 202."""

    def __init__(self, url, folder):
        self.checker, self.readers, self.works, self.is_over = Checker(), [], [], asyncio.Event()
        self.cluster = types.SimpleNamespace(url=url)
        self.turns = 0

    async def begin(self, count):
        for _ in range(count):
            key = (await client.persist(self.cluster.url, "POST", "/sessions", body={})).json["key"]
            identity = f"c{len(self.works)}x{int(time.time())}"
            await client.persist(self.cluster.url, "POST", "/conversations", key, {"id": identity, "model": "scripted"})
            chat = Chat(self, key, identity)
            self.works.append(asyncio.ensure_future(self.talk(chat, chat.read())))

    async def talk(self, chat, reader):
        while not self.is_over.is_set():
            turn, _ = await chat.ask(pieces=30, pace_ms=100)
            answer = turn["answer"]["id"]
            await reader.until("an end", lambda reader: answer in reader.messages
                               and reader.messages[answer].state != "running", seconds=120)
            self.turns += 1

    async def end(self):
        self.is_over.set()
        await asyncio.gather(*self.works)
        figures = await self.checker.check(self.cluster.url)
        for reader in self.readers:
            await reader.stop()
        return figures

    async def leave(self):
        for work in [*self.works]:
            work.cancel()
        await asyncio.gather(*self.works, return_exceptions=True)
        for reader in self.readers:
            await reader.stop()


@test("two rolling deployments and one bad image while people chat: no lost turn, the bad image is taken back")
async def lifecycle(options):
    await rolled(options, HURRY, PEOPLE)


@test("the same with the template's own waits", is_long=True)
async def lifecycle_long(options):
    await rolled(options, 1, PEOPLE_LONG)


async def rolled(options, hurry, count):
    typist = Typist(options, hurry)
    model, model_url = model_process(typist.folder)
    people = None
    try:
        scheduler = typist.scheduler
        if not scheduler.has_health:
            report("NOTE: this stoa has no `stoa health`; the container's own check was left out")
        await typist.type("--plan")
        await first_deployment(typist, model_url)
        url = scheduler.url
        people = People(url, typist.folder)
        await people.begin(count)
        await asyncio.sleep(2)
        for release in ("second", "third"):
            begun, before = time.monotonic(), [task.name for task in scheduler.tasks]
            said = await typist.type("--image", typist.image(options.stoa, release), "--url", url)
            assert "the schema is up" in said and "read again from 2 task(s)" in said, said
            assert not set(before) & {task.name for task in scheduler.tasks}, "a task was not replaced"
            report(f"{release} release: {len(before)} tasks replaced in {time.monotonic() - begun:.0f} s")
        third = typist.parameter("ImageUri")
        ended = len(scheduler.ended)
        said = await typist.type("--image", typist.image(typist.program("ends", ENDS_BUT_MIGRATES % options.stoa), "bad"),
                                 "--url", url, status=1)
        assert "exited with status 127" in said and "CloudFormation has gone back" in said, said
        assert typist.parameter("ImageUri") == third and len(scheduler.tasks) == 2
        bad = [task for task in scheduler.ended[ended:] if task.program.endswith("ends")]
        report(f"bad image: {len(bad)} tasks tried, taken back by the circuit breaker; what the script said: "
               f"{said.strip().splitlines()[-1][:160]}")
        figures = await people.end()
        assert figures["interrupted"] == 0 and figures["failed"] == 0, figures
        # A task of the bad image may end with its own status just when it is told to.
        stopped = [task for task in scheduler.ended if task.ended_by and task not in bad]
        killed = [f"{task.name}: {task.ended_by}, status {task.process.returncode}" for task in stopped
                  if task.ended_by != "itself" or task.process.returncode != 0]
        assert not killed, f"tasks did not end as they should: {killed}"
        report(f"{count} people, {figures['turns']} turns, {figures['acknowledged']} acknowledged: 0 lost, 0 doubled, "
               f"0 interrupted; {people.checker.failures}")
        report(f"tasks ended by themselves {spread([task.stop_seconds for task in stopped], 's', 1)} after SIGTERM (limit "
               f"{stopped[0].container['stopTimeout']} s); {sum(reader.restarts for reader in people.readers)} streams sent "
               f"elsewhere, silent for {spread([reader.longest_gap_seconds for reader in people.readers])}")
    finally:
        if people:
            await people.leave()
        typist.close()
        model.stdin.close()
        model.wait(10)


# Migrations run with the new image before any task of it serves: this one can do that, and no more.
ENDS_BUT_MIGRATES = """#!/bin/sh
case $1 in migrate) exec %s "$@" ;; esac
echo 'a library is missing' >&2
exit 127
"""


async def first_deployment(typist, model_url):
    """From nothing, with an image that docker (a stub) built and pushed."""
    said = await typist.type("--openai-url", f"{model_url}/v1", "--openai-models", "scripted", "--model-secret", SECRET,
                             "--url", typist.scheduler.url, "--set", "LogLevel=warning")
    assert "read again from 2 task(s)" in said, said
    said = await typist.type("--url", typist.scheduler.url)
    assert "nothing to change" in said and "the registry has this clone's image already" in said, said
    builds = [line for line in typist.docker() if line.startswith("build ")]
    assert len(builds) == 1 and "--platform linux/arm64" in builds[0], builds
    report("first deployment: registry, network, image (stub), service, smoke test; typed again, nothing was built or changed")
