"""A rolling deploy over a change of the schema, with the previous release's binary still serving."""

import os
import pathlib
import random
import threading
import time

import tasks
from stage import Skipped

ROOT = pathlib.Path(__file__).resolve().parents[2]
WRITERS = 8


def rolling_over_a_change_of_the_schema(stage):
    """three tasks of the previous release, the schema expanded under them, replaced one by one: no request fails"""
    previous = os.environ.get("STOA_PREVIOUS") or str(ROOT / ".build-previous/previous")
    following = os.environ.get("STOA_NEXT") or str(ROOT / ".build-previous/next")
    for binary in (previous, following):
        if not os.access(binary, os.X_OK):
            raise Skipped(f"{binary} is not there; Tests/Operators/releases builds it")
    volume = stage.path("volume")
    serving = [stage.start(volume, binary=previous) for _ in range(3)]
    # As a load balancer does: who is about to leave gets no request any more.
    ports, lock = [task.port for task in serving], threading.Lock()

    def pick():
        with lock:
            return random.choice(ports)

    writers = tasks.Writers(WRITERS, pick)
    writers.wait_for(WRITERS * 2)
    before = stage.stoa("migrate", "status", "--volume", volume, "--json", binary=following, statuses=(65,)).json
    plan = stage.stoa("migrate", "plan", "--volume", volume, "--json", binary=following).json
    assert plan["tasks_that_could_not_go_on"] == [], plan
    migrated = stage.stoa("migrate", "up", "--volume", volume, "--json", binary=following).json
    assert migrated["current"] and migrated["known"] > before["shards"][0]["version"], migrated
    status = stage.stoa("migrate", "status", "--volume", volume, "--json", binary=previous).json
    assert {shard["state"] for shard in status["shards"]} == {"newer, usable"}, status
    count = sum(map(len, writers.said))
    writers.wait_for(count + WRITERS * 2)
    for old in serving:
        new = stage.start(volume, binary=following)
        with lock:
            ports.append(new.port)
            ports.remove(old.port)
        # Requests that were picked before that are short.
        time.sleep(1)
        old.leave()
        assert old.wait() == 0
        count = sum(map(len, writers.said))
        writers.wait_for(count + WRITERS)
    writers.stop()
    prompts = sum(map(len, writers.said))
    stage.report(f"schema {before['shards'][0]['version']} to {migrated['known']} under 3 tasks, all replaced; "
                 f"{writers.requests()} requests, {prompts} prompts, {len(writers.failures())} failed")
    assert not writers.failures(), writers.failures()[:5]
    assert not writers.missing(ports[0])
    for task in stage.tasks[3:]:
        task.leave()
    for task in stage.tasks[3:]:
        task.wait()
    stage.stoa("migrate", "verify", "--volume", volume, binary=following)
    contract(stage, volume, previous, following)


def contract(stage, volume, previous, following):
    """A binary that is too old for a shard says so in words; here the one that the history names."""
    run = stage.stoa("migrate", "up", "--volume", volume, "--to", "1", binary=previous)
    assert "usable" in run.out, run
    with_too_old = stage.path("too-old")
    stage.stoa("volume", "init", "--volume", with_too_old, binary=following)
    refused = stage.stoa("migrate", "verify", "--volume", with_too_old, binary=previous, statuses=(65,))
    assert "newer than this program" in refused.out, refused


TESTS = [rolling_over_a_change_of_the_schema]
