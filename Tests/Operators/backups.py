"""Backups while people write, and what is restored from them."""

import os
import time

import tasks

WRITERS = 32
# Of a quick run: so many writers on a busy machine may have one wait for longer than a task lets it, which is no fault of
# the backup's. It is one if a shard is held for that long, or if many are refused.
PATIENCE_SECONDS = 30
HELD_MS_MAX = 5_000
REFUSED_SHARE_MAX = 0.05


def backup_under_writers(stage):
    """32 writers on two tasks, backups meanwhile, restored elsewhere: all that was acknowledged before is there"""
    volume, backup = stage.path("volume"), stage.path("backup")
    pair = [stage.start(volume) for _ in range(2)]
    turn = iter(range(10 ** 9))
    writers = tasks.Writers(WRITERS, lambda: pair[next(turn) % 2].port, 0 if stage.is_long else PATIENCE_SECONDS)
    writers.wait_for(WRITERS * (8 if stage.is_long else 3))
    began = time.monotonic()
    report = stage.stoa("backup", backup, "--volume", volume, "--json").json
    seconds = time.monotonic() - began
    assert report["copied"] == 16 and not report["faults"], report
    writers.wait_for(sum(map(len, writers.said)) + WRITERS)
    second_began = time.monotonic()
    second = stage.stoa("backup", backup, "--volume", volume, "--json").json
    writers.wait_for(sum(map(len, writers.said)) + 1)
    writers.stop()
    stage.report(f"first backup {seconds:.1f} s, {report['messages']} messages, a shard held at most "
                 f"{report['held_ms_max']} ms; second: {second['copied']} of 16 shards copied, held at most "
                 f"{second['held_ms_max']} ms")
    stage.report(f"{writers.requests()} requests meanwhile, {writers.refused()} sent again, "
                 f"{len(writers.failures())} failed")
    assert not writers.failures(), writers.failures()[:5]
    assert writers.refused() <= writers.requests() * REFUSED_SHARE_MAX, writers.refused()
    assert max(report["held_ms_max"], second["held_ms_max"]) < HELD_MS_MAX, (report, second)
    elsewhere = stage.path("elsewhere")
    stage.stoa("restore", backup, "--volume", elsewhere)
    stage.content(elsewhere)
    restored = stage.start(elsewhere)
    before = sum(when < second_began for said in writers.said for _, _, when in said)
    lost = writers.missing(restored.port, before=second_began)
    stage.report(f"restored elsewhere: {before} prompts acknowledged before it began, {len(lost)} missing; sound")
    assert not lost and before > WRITERS
    for task in stage.tasks:
        task.leave()
    for task in stage.tasks:
        task.wait()


def backup_copies_what_changed(stage):
    """a second backup copies only the shards that changed; damage in the backup is found; nothing is overwritten unasked"""
    files, volume, backup = stage.path("files"), stage.path("volume"), stage.path("backup")
    stage.seeded(files, 40, 8)
    stage.stoa("convert", "--from", files, "--to", volume, "--store", "sqlite", "--shards", "8")
    first = stage.stoa("backup", backup, "--volume", volume, "--json").json
    again = stage.stoa("backup", backup, "--volume", volume, "--json").json
    assert (first["copied"], again["copied"], again["kept"]) == (8, 0, 8), (first, again)
    session = stage.stoa("sessions", "list", "--volume", volume, "--limit", "1", "--json").json["id"]
    stage.stoa("sessions", "delete", session, "--volume", volume)
    third = stage.stoa("backup", backup, "--volume", volume, "--json").json
    assert third["copied"] == 1 and third["sessions"] == 39, third
    copy = stage.path("copy")
    stage.stoa("restore", backup, "--volume", copy)
    assert stage.content(copy) == stage.content(volume)
    stage.stoa("restore", backup, "--volume", copy, statuses=(65,))
    stage.stoa("restore", backup, "--volume", copy, "--overwrite")
    assert stage.content(copy) == stage.content(volume)
    task = stage.start(copy)
    stage.stoa("restore", backup, "--volume", copy, "--overwrite", statuses=(75,))
    task.leave()
    task.wait()
    # One shard is damaged: found, and put back alone.
    shard = os.path.join(copy, "shards/03/sessions.db")
    with open(shard, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096 * 3))
    run = stage.stoa("volume", "verify", "--volume", copy, "--json", statuses=(65,)).json
    assert [part["part"] for part in run["parts"] if part["faults"]] == ["03"], run
    stage.stoa("restore", backup, "--volume", copy, "--only", "03")
    assert stage.content(copy) == stage.content(volume)
    # A backup that is damaged is not restored.
    part = max((os.path.join(backup, "parts", name) for name in os.listdir(os.path.join(backup, "parts"))),
               key=os.path.getsize)
    with open(part, "r+b") as file:
        file.seek(9000)
        file.write(b"damaged")
    stage.stoa("restore", backup, "--volume", stage.path("never"), statuses=(65,))
    stage.stoa("migrate", "status", "--volume", stage.path("never"), statuses=(65,))
    stage.report("0 of 8 shards copied again, 1 after a change; damage found in the volume and in the backup")


TESTS = [backup_under_writers, backup_copies_what_changed]
