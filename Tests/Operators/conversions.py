"""Volumes carried from store to store."""

import tasks

MEMORY_MEGABYTES_MAX = 200
WRITERS = 8


def convert_there_and_back(stage):
    """files to sqlite to files, sqlite with another number of shards, portable: equal hash and counts, bounded memory"""
    sessions, messages = (10_000, 20) if stage.is_long else (300, 20)
    first = stage.seeded(stage.path("first"), sessions, messages)
    wanted = stage.content(first)
    assert wanted[1:] == (sessions, sessions * messages), wanted
    steps = [("second", ["--store", "sqlite"]), ("third", ["--store", "files"]),
             ("fourth", ["--store", "sqlite", "--shards", "5"]), ("fifth", ["--shards", "3", "--engine", "portable"])]
    source = first
    for name, arguments in steps[:2] if stage.is_long else steps:
        target = stage.path(name)
        run = stage.stoa("convert", "--from", source, "--to", target, *arguments, "--json")
        assert run.json["finished"] and run.json["content"] == wanted[0], run
        stage.report(f"{' '.join(arguments)}: {sessions * messages} messages in {run.json['seconds']:.1f} s, "
                     f"{sessions * messages / run.json['seconds']:.0f}/s, {run.megabytes:.0f} MB")
        assert run.megabytes <= MEMORY_MEGABYTES_MAX, run.megabytes
        assert stage.content(target) == wanted
        # The old volume is closed, and the same command once more says so.
        stage.stoa("migrate", "status", "--volume", source, statuses=(65,))
        stage.stoa("convert", "--from", source, "--to", target, *arguments)
        source = target


def switch_over(stage):
    """people write while their volume is converted; tasks stop, the rest is carried over: nothing is lost"""
    old, new = stage.path("old"), stage.path("new")
    pair = [stage.start(old) for _ in range(2)]
    turn = iter(range(10 ** 9))
    writers = tasks.Writers(WRITERS, lambda: pair[next(turn) % 2].port)
    writers.wait_for(WRITERS * 3)
    arguments = ["convert", "--from", old, "--to", new, "--shards", "4", "--json"]
    for _ in range(2):
        run = stage.stoa(*arguments, statuses=(75,))
        assert "tasks serve" in run.err and not run.json["finished"], run
        writers.wait_for(sum(map(len, writers.said)) + WRITERS)
    # It cannot be served before it is whole.
    stage.stoa("migrate", "status", "--volume", new, statuses=(65,))
    refused = stage.start(new, waits=False)
    assert refused.process.wait(60) == 65
    writers.stop()
    assert not writers.failures(), writers.failures()[:5]
    for task in pair:
        task.leave()
    for task in pair:
        assert task.wait() == 0
    run = stage.stoa(*arguments)
    assert run.json["finished"], run
    late = stage.start(old, waits=False)
    assert late.process.wait(60) == 65 and late.lines("were moved to"), "the old volume could be served"
    moved = stage.start(new)
    prompts = sum(map(len, writers.said))
    lost = writers.missing(moved.port)
    stage.report(f"{prompts} prompts acknowledged, {len(lost)} missing after the switch; the last run took "
                 f"{run.json['seconds']:.1f} s for {run.json['copied']} of {run.json['sessions']} sessions")
    assert not lost
    moved.leave()
    moved.wait()
    stage.content(new)


TESTS = [convert_there_and_back, switch_over]
