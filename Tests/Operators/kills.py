"""Every command, killed (-9) at random moments and run again, ends where an undisturbed run ends."""

import hashlib
import json
import os
import pathlib
import shutil
import sqlite3

import tasks


def commands_that_are_killed(stage):
    """kill -9 of every command at random moments, run again: the same end state as an undisturbed run"""
    times = 10 if stage.is_long else 2
    stage.report(f"seed {stage.seed}")
    wanted = os.environ.get("STOA_TEST_KILLED")
    for command in [command for command in COMMANDS if not wanted or command.__name__ in wanted.split(",")]:
        killed = 0
        source = stage.path(f"source-{command.__name__}")
        os.makedirs(source)
        arguments, state = command(stage, source)
        place = stage.path("undisturbed")
        shutil.copytree(source, place)
        whole = stage.stoa(*arguments(place))
        whole_state = state(stage, place)
        shutil.rmtree(place)
        for _ in range(times):
            shutil.copytree(source, place)
            run = tasks.command(stage.binary, *arguments(place), kill_after=stage.random.uniform(0.0, whole.seconds))
            killed += run.status == -9
            # A restore that was whole refuses to touch what it made: that is its end state too.
            again = stage.stoa(*arguments(place), statuses=(0, 65) if command is restore else (0,))
            found = state(stage, place)
            assert found == whole_state, f"{again}\n{found}\n{whole_state}"
            shutil.rmtree(place)
        stage.report(f"{command.__name__.replace('_', ' ')}: {times} times, killed before its end {killed} times, "
                     f"{whole.seconds:.2f} s undisturbed")


def volume(stage, folder, sessions=60, schema=None):
    """A volume of databases; with an old schema it is empty."""
    made = os.path.join(folder, "volume")
    if schema:
        stage.manifest(made, shards=16)
        stage.stoa("migrate", "up", "--to", schema, "--volume", made)
    else:
        files = stage.path("files-for-" + os.path.basename(folder))
        stage.seeded(files, sessions, 12)
        stage.stoa("convert", "--from", files, "--to", made, "--store", "sqlite", "--shards", "8")
    return made


def schema(stage, place):
    status = stage.stoa("migrate", "status", "--volume", f"{place}/volume", "--json", statuses=(0, 65)).json
    verify = stage.stoa("migrate", "verify", "--volume", f"{place}/volume", "--json", statuses=(0, 65)).json
    return [(s["version"], s["state"], v["problems"]) for s, v in zip(status["shards"], verify)]


def content(stage, place, name="volume"):
    return stage.content(f"{place}/{name}")


def migrate_up(stage, source):
    volume(stage, source, schema=1)
    return lambda place: ["migrate", "up", "--volume", f"{place}/volume"], schema


def migrate_up_dry_run(stage, source):
    volume(stage, source, schema=2)
    return lambda place: ["migrate", "up", "--dry-run", "--scratch", place, "--volume", f"{place}/volume"], schema


def migrate_repair(stage, source):
    # A history that says nothing wrong: damage is done in the unit tests, which can open a shard.
    volume(stage, source, schema=4)
    return lambda place: ["migrate", "repair", "--volume", f"{place}/volume"], schema


def migrate_new(stage, source):
    root = pathlib.Path(__file__).resolve().parents[2]
    shutil.copytree(root / "migrations", os.path.join(source, "migrations"))
    shutil.copy(root / "Package.swift", source)

    def state(_, place):
        names = sorted(os.listdir(f"{place}/migrations"))
        table = pathlib.Path(place, "migrations/migrations.c").read_text()
        package = pathlib.Path(place, "Package.swift").read_text()
        return [(name, name in table, name in package) for name in names if name.endswith(".sql")]

    return lambda place: ["migrate", "new", "killed", "--source", place], state


def backup(stage, source):
    volume(stage, source)

    def state(_, place):
        manifest = json.loads(pathlib.Path(place, "backup/stoa-backup.json").read_text())
        parts = [(part["name"], part["sha256"], part["messages"]) for part in manifest["parts"]]
        files = sorted(name for name in os.listdir(f"{place}/backup/parts"))
        hashes = [hashlib.sha256(pathlib.Path(place, "backup", part["file"]).read_bytes()).hexdigest()
                  for part in manifest["parts"]]
        assert hashes == [part["sha256"] for part in manifest["parts"]]
        return parts, files

    return lambda place: ["backup", f"{place}/backup", "--volume", f"{place}/volume"], state


def restore(stage, source):
    stage.stoa("backup", f"{source}/backup", "--volume", volume(stage, source))
    return (lambda place: ["restore", f"{place}/backup", "--volume", f"{place}/target"],
            lambda stage, place: content(stage, place, "target"))


def restore_over(stage, source):
    stage.stoa("backup", f"{source}/backup", "--volume", volume(stage, source))
    return lambda place: ["restore", f"{place}/backup", "--volume", f"{place}/volume", "--overwrite"], content


def volume_verify(stage, source):
    volume(stage, source)
    return lambda place: ["volume", "verify", "--volume", f"{place}/volume", "--scratch", place], content


def volume_export_db(stage, source):
    volume(stage, source)

    def state(_, place):
        counts = []
        for path in sorted(pathlib.Path(place, "export").glob("*.db")):
            with sqlite3.connect(path) as database:
                counts.append((path.name, database.execute("SELECT count(*), sum(text_bytes) FROM message").fetchone()))
        return counts

    return lambda place: ["volume", "export-db", "--to", f"{place}/export", "--resume", "--volume",
                          f"{place}/volume"], state


def convert(stage, source):
    volume(stage, source)
    return (lambda place: ["convert", "--from", f"{place}/volume", "--to", f"{place}/target", "--shards", "3"],
            lambda stage, place: content(stage, place, "target"))


def convert_files(stage, source):
    stage.seeded(os.path.join(source, "volume"), 60, 12)
    return (lambda place: ["convert", "--from", f"{place}/volume", "--to", f"{place}/target", "--store", "sqlite"],
            lambda stage, place: content(stage, place, "target"))


def sessions_prune(stage, source):
    volume(stage, source)
    return lambda place: ["sessions", "prune", "--older-than", "1d", "--volume", f"{place}/volume"], content


def sessions_delete(stage, source):
    listed = stage.stoa("sessions", "list", "--volume", volume(stage, source), "--json").out.splitlines()
    wanted = [json.loads(line)["id"] for line in listed][:20]
    return lambda place: ["sessions", "delete", *wanted, "--volume", f"{place}/volume"], content


def sessions_list(stage, source):
    volume(stage, source)
    return lambda place: ["sessions", "list", "--volume", f"{place}/volume"], content


COMMANDS = [migrate_up, migrate_up_dry_run, migrate_repair, migrate_new, backup, restore, restore_over, volume_verify,
            volume_export_db, convert, convert_files, sessions_prune, sessions_delete, sessions_list]
TESTS = [commands_that_are_killed]
