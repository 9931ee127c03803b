"""What is deleted is gone, also from the files."""

import pathlib
import time

import tasks

SECRET = "zanzibar-pomegranate-7741"


def deletion_is_real(stage):
    """text of a session that was deleted is in no file of the volume; the others' is"""
    for store in ("sqlite", "files"):
        volume = stage.path(f"volume-{store}")
        task = stage.start(volume, "--store", store)
        clients = [tasks.Client(lambda: task.port).begin() for _ in range(2)]
        for client, word in zip(clients, (SECRET, "harmless-word")):
            place = client.conversation()
            for number in range(6):
                assert client.say(place, f"{word} {number} " + f"{word} " * 400)
                until_ended(client, place)
        assert found(volume, SECRET) and found(volume, "harmless-word")
        status, overview = clients[0].ask("GET", "/session")
        assert status == 200, clients[0].failures
        identifier = overview["session"]["id"] if "session" in overview else overview["id"]
        # While the task serves.
        stage.stoa("sessions", "delete", identifier[:12], "--volume", volume)
        assert clients[0].ask("GET", "/session")[0] == 401
        left = found(volume, SECRET)
        stage.report(f"{store}: {'nothing' if not left else left} of it is left while the task serves")
        assert not left, left
        assert found(volume, "harmless-word")
        task.leave()
        task.wait()
        stage.content(volume)


def until_ended(client, conversation):
    for _ in range(600):
        _, page = client.ask("GET", f"/conversations/{conversation}?limit=1")
        if page and not page["conversation"]["running"]:
            return
        time.sleep(0.05)
    raise AssertionError("an answer did not end")


def found(volume, text):
    """The files that hold `text`."""
    return [str(path.relative_to(volume)) for path in pathlib.Path(volume).rglob("*")
            if path.is_file() and holds(path, text.encode())]


def holds(path, data):
    try:
        return data in path.read_bytes()
    except FileNotFoundError:
        return False  # a task that serves has removed it meanwhile


def retention(stage):
    """sessions that are not used are removed by one of three tasks, while people chat in others"""
    files, volume = stage.path("files"), stage.path("volume")
    stage.seeded(files, 60, 8)
    stage.stoa("convert", "--from", files, "--to", volume, "--store", "sqlite", "--shards", "4")
    rehearsed = stage.stoa("sessions", "prune", "--older-than", "1d", "--dry-run", "--volume", volume, "--json").json
    assert (rehearsed["looked"], rehearsed["deleted"]) == (60, 60), rehearsed
    trio = [stage.start(volume, "--retain", "20s") for _ in range(3)]
    turn = iter(range(10 ** 9))
    writers = tasks.Writers(4, lambda: trio[next(turn) % 3].port)
    end = time.monotonic() + 90
    while True:
        left = len(stage.stoa("sessions", "list", "--older-than", "1d", "--volume", volume, "--json").out.splitlines())
        if not left:
            break
        assert time.monotonic() < end, f"{left} sessions are left"
        time.sleep(0.5)
    writers.wait_for(8)
    writers.stop()
    assert not writers.failures(), writers.failures()[:5]
    assert not writers.missing(trio[0].port)
    lines = [line for task in trio for line in task.lines("old sessions removed")]
    stage.report(f"60 sessions removed in {len(lines)} passes; {writers.requests()} requests meanwhile, none failed")
    for task in trio:
        task.leave()
    assert [task.wait() for task in trio] == [0, 0, 0]
    assert stage.content(volume)[1] == 4


TESTS = [deletion_is_real, retention]
