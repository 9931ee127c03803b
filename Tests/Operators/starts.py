"""Twenty tasks that start at once."""

import time

COUNT = 20
SHARDS = 16


def starts_on_an_empty_volume(stage):
    """twenty tasks start at once on an empty folder: one migration a shard, everyone up"""
    start(stage, stage.path("volume"))


def starts_on_an_old_volume(stage):
    """twenty tasks start at once on a volume of an old schema: one migration a shard, everyone up"""
    volume = stage.manifest(stage.path("volume"), shards=SHARDS)
    stage.stoa("migrate", "up", "--to", "3", "--volume", volume)
    start(stage, volume)


def start(stage, volume):
    begun = time.monotonic()
    for _ in range(COUNT):
        stage.start(volume, "--migrate", "--shards", str(SHARDS), waits=False)
    for task in stage.tasks:
        task.wait_ready()
    seconds = time.monotonic() - begun
    migrated = [line for task in stage.tasks for line in task.lines("shard migrated")]
    stage.report(f"{COUNT} tasks up after {seconds:.1f} s; {len(migrated)} shards migrated, each once")
    assert len(migrated) == SHARDS, migrated
    status = stage.stoa("migrate", "status", "--volume", volume, "--json").json
    assert status["current"] and len(status["tasks"]) == COUNT, status
    # The promise is 10 s; a machine that is shared gets more, a hang does not.
    assert seconds < 60, seconds
    for task in stage.tasks:
        task.leave()
    assert [task.wait() for task in stage.tasks] == [0] * COUNT


TESTS = [starts_on_an_empty_volume, starts_on_an_old_volume]
