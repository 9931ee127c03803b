"""The page: read by others' parsers, documented, and moved by what it counts."""

import json
import os
import pathlib
import re
import signal
import threading
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from stage import test
from task import eventually, total

COLLISIONS_MAX = 10
DEAD_MODEL = {"default": "demo", "models": [
    {"provider": "demo", "id": "demo"},
    {"provider": "openai", "id": "dead", "base_url": "http://127.0.0.1:1/v1", "model": "x", "retries": 0}]}


def documented(stage):
    """Name and type of each metric in the table of deploy/observe."""
    rows = re.findall(r"^\| `((?:stoa|process)_\w+)` \| (\w+) \| ([^|]*)\|", stage.read("deploy/observe/README.md"), re.M)
    return {name: (kind, {label.strip() for label in labels.split(",") if label.strip()}) for name, kind, labels in rows}


def check_page(stage, page):
    """Whatever is on a page follows Prometheus's conventions and is in the table; returns the names."""
    stage.run("promtool", "check", "metrics", text=page)
    table, names = documented(stage), set()
    for family in text_string_to_metric_families(page):
        # The parser takes `_total` off a counter's family.
        name = family.name + ("_total" if family.type == "counter" else "")
        assert name not in names, f"{name} is there twice"
        names.add(name)
        assert family.documentation, f"{name} says not what it is"
        assert name in table, f"{name} is not in deploy/observe/README.md"
        kind, labels = table[name]
        assert kind == family.type, f"{name} is a {family.type}, documented as {kind}"
        series = set()
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == labels, f"{name}: labels {sample.labels}, documented {labels}"
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in series, f"{key} is there twice"
            series.add(key)
            assert sample.value >= 0, sample
        if family.type == "histogram":
            check_histogram(family)
    return names


def check_histogram(family):
    buckets, counts = {}, {}
    for sample in family.samples:
        key = tuple(sorted((name, value) for name, value in sample.labels.items() if name != "le"))
        if sample.name.endswith("_bucket"):
            buckets.setdefault(key, []).append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_count"):
            counts[key] = sample.value
    for key, bounds in buckets.items():
        assert bounds == sorted(bounds), f"{family.name}{key}: buckets do not climb: {bounds}"
        assert bounds[-1] == (float("inf"), counts[key]), f"{family.name}{key}: {bounds[-1]} of {counts[key]}"


def collide(name, *pairs):
    """Tasks write at once, each with a key, until a counter says that one was in the other's way, which is chance."""
    def write(task, key):
        for number in range(40):
            task.ask("PATCH", "/api/v1/conversations/talk", key, {"title": f"title {number}"})
    for _ in range(COLLISIONS_MAX):
        threads = [threading.Thread(target=write, args=pair) for pair in pairs for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if sum(task.value(name) for task, _ in pairs) > 0:
            return
    raise AssertionError(f"{name} did not move")


@test
def everything_moves(stage):
    """Every number of the page moves when what it counts happens."""
    catalogue = os.path.join(stage.folder, "models.json")
    with open(catalogue, "w", encoding="utf-8") as file:
        json.dump(DEAD_MODEL, file)
    one = stage.task("--shards", "1", "--models", catalogue)
    before = one.page()
    names = check_page(stage, before)

    # A conversation, and a model that is away.
    key = one.session()
    assert one.say(key, "prompt-secret")["state"] == "complete"
    assert one.say(key, "hello", model="dead")["state"] == "failed"
    page = one.page()
    assert total(page, "stoa_turns_total", state="complete") == 1
    assert total(page, "stoa_turns_total", state="failed") == 1
    assert total(page, "stoa_model_requests_total", model="demo", end="complete") == 1
    assert total(page, "stoa_model_requests_total", model="dead", end="unavailable") == 1
    assert total(page, "stoa_model_first_token_seconds_count", model="demo") == 1
    assert total(page, "stoa_model_answer_seconds_count", model="demo") == 1
    assert total(page, "stoa_http_requests_total", route="/api/v1/conversations/{id}/messages", status="202") == 2
    assert total(page, "stoa_shard_commit_seconds_count") > 0
    assert total(page, "stoa_shard_batch_operations_count", kind="write") > 0
    assert total(page, "stoa_shard_lock_wait_seconds_count") > 0
    # What a probe found counts for a moment.
    probes = total(before, "stoa_volume_probe_seconds_count")
    eventually("the page probes the volume", lambda: one.value("stoa_volume_probe_seconds_count") > probes)
    for attempt in range(2):
        one.say(key, f"again {attempt}", model="dead")
    eventually("the dead model is left in peace", lambda: one.value("stoa_model_circuit_open", model="dead") == 1)

    # A stream.
    request = urllib.request.Request(one.url + "/api/v1/conversations/talk/events", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as stream:
        stream.readline()
        eventually("a stream is open", lambda: one.value("stoa_event_streams_open") == 1)
        assert one.value("stoa_readers") == 1
    eventually("it is closed", lambda: one.value("stoa_event_streams_open") == 0)

    # Two tasks that want one shard.
    two = stage.task("--models", catalogue, "--demo-speed", "1")
    two.key = two.session()

    collide("stoa_shard_busy_total", (one, key), (two, two.key))
    assert one.value("stoa_shard_lock_hold_seconds_count") > 0

    # An answer that another task takes away: its writer is fenced.
    two.say(two.key, "a long answer, please", wait=False)
    eventually("it runs", lambda: two.value("stoa_answers_running") == 1 and two.value("stoa_model_running", model="demo") == 1)
    assert one.ask("POST", "/api/v1/conversations/talk/reset", two.key)[0] == 200
    eventually("its writer is fenced", lambda: two.value("stoa_store_errors_total", code="fenced") > 0)
    eventually("it is lost", lambda: two.value("stoa_turns_total", state="lost") == 1)
    # The only task on a volume keeps a shard while it has work.
    two.end()
    eventually("somebody has the shard", lambda: one.ask("GET", "/api/v1/session", key) and one.value("stoa_shard_held") == 1)

    # A log that is long enough to be emptied.
    for number in range(40):
        one.ask("PATCH", "/api/v1/conversations/talk", key, {"system_prompt": f"{number}" * 10_000})
        if one.value("stoa_shard_checkpoints_total") > 0:
            break
        assert one.say(key, "x" * 200_000)["state"] == "complete"
    page = one.page()
    assert total(page, "stoa_shard_checkpoints_total") > 0
    assert total(page, "stoa_shard_checkpoint_seconds_count") == total(page, "stoa_shard_checkpoints_total")
    assert total(page, "process_cpu_seconds_total") > total(before, "process_cpu_seconds_total")

    # No name is new, none is gone, and nobody's secret is there.
    assert check_page(stage, page) == names | {"stoa_http_request_seconds", "stoa_http_requests_total"}
    for secret in ("secret", key[5:], two.key[5:], "talk", "title 1"):
        assert secret not in page, f"the page tells {secret}"
    unseen = set(documented(stage)) - names - {"stoa_http_request_seconds", "stoa_http_requests_total"}
    assert all(name.startswith(("stoa_nfs_", "stoa_files_")) for name in unseen), f"documented, but nowhere: {unseen}"


@test
def files(stage):
    """A volume of files has a page of its own, and counts its locks."""
    one = stage.task("--store", "files")
    key = one.session()
    assert one.say(key, "hello")["state"] == "complete"
    two = stage.task()
    collide("stoa_files_busy_total", (one, key), (two, key))
    page = one.page()
    check_page(stage, page)
    assert total(page, "stoa_store_operation_seconds_count", kind="write") > 0


@test
def own_port(stage):
    """The page has a port of its own if asked to, and a task's file says where."""
    task = stage.task("--metrics-port", "0", "--metrics-host", "127.0.0.1")
    assert task.ask("GET", "/metrics")[0] == 404
    labels = []

    def announced():
        try:
            labels[:] = [json.loads(file.read_text()) for file in pathlib.Path(stage.volume, "tasks").iterdir()]
        except (ValueError, FileNotFoundError):
            return False  # it is being written
        return len(labels) == 1 and labels[0].get("metrics")
    eventually("the task says where its metrics are", announced)
    assert labels[0]["metrics"] != f"127.0.0.1:{task.port}"
    check_page(stage, task.page(f"http://{labels[0]['metrics']}"))


@test
def ready_parts(stage):
    """A volume that is away makes its part fail, in /readyz and on the page, and nothing else."""
    task = stage.task()
    parts = json.loads(task.ask("GET", "/readyz")[2])["parts"]
    assert [(part["name"], part["state"]) for part in parts] == [("volume", "ready"), ("shards", "ready")]
    os.rename(stage.volume, stage.volume + "-away")
    eventually("it is not ready", lambda: task.ask("GET", "/readyz")[0] == 503)
    _, headers, body = task.ask("GET", "/readyz")
    problem = json.loads(body)
    assert headers["Content-Type"] == "application/problem+json" and problem["code"] == "unavailable"
    assert {part["name"]: part["state"] for part in problem["parts"]} == {"volume": "failed", "shards": "ready"}
    page = task.page()
    assert total(page, "stoa_part_ready", part="volume") == 0 and total(page, "stoa_part_ready", part="shards") == 1
    assert total(page, "stoa_volume_probe_failures_total") > 0
    assert task.ask("GET", "/livez")[0] == 200
    os.rename(stage.volume + "-away", stage.volume)
    eventually("it is ready again", lambda: task.ask("GET", "/readyz")[0] == 200)
    task.end(signal.SIGTERM)
