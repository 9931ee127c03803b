"""`stoa health`, `stoa top`, and the log."""

import json
import os
import signal

from stage import test
from task import eventually


@test
def health(stage):
    """stoa health says 0 for a task that is well and 1 for one that is not, does not answer, or is none."""
    task = stage.task()
    port = ["--port", str(task.port)]
    assert stage.run(stage.stoa, "health", *port) == "alive\n"
    assert stage.run(stage.stoa, "health", "--ready", *port) == "ready\n"
    assert json.loads(stage.run(stage.stoa, "health", "--ready", "--json", *port))["status"] == "ready"
    os.rename(stage.volume, stage.volume + "-away")
    eventually("it is not ready", lambda: task.ask("GET", "/readyz")[0] == 503)
    problem = json.loads(stage.run(stage.stoa, "health", "--ready", *port, expect=1))
    assert problem["parts"][0] == {"name": "volume", "state": "failed", "detail": problem["detail"]}
    stage.run(stage.stoa, "health", *port)
    os.rename(stage.volume + "-away", stage.volume)
    task.process.send_signal(signal.SIGSTOP)
    stage.run(stage.stoa, "health", "--seconds", "0.5", *port, expect=1)
    task.process.send_signal(signal.SIGCONT)
    task.end()
    stage.run(stage.stoa, "health", *port, expect=1)
    stage.run(stage.stoa, "health", "--port", "0", expect=64)


@test
def top(stage):
    """stoa top tells tasks, states and rates, and sees who does not answer."""
    stage.run(stage.stoa, "volume", "init", "--volume", stage.volume, "--shards", "2")
    look = (stage.stoa, "top", "--once", "--json", "--interval", "0.5", "--volume", stage.volume)
    assert json.loads(stage.run(*look, expect=1))["tasks"] == []
    one, two = stage.task(), stage.task("--metrics-port", "0")
    key = one.session()
    assert one.say(key, "hello")["state"] == "complete"
    eventually("both say where their metrics are", lambda: all(
        task["address"] for task in json.loads(stage.run(*look))["tasks"]))
    report = json.loads(stage.run(*look))
    assert {task["pid"] for task in report["tasks"]} == {one.process.pid, two.process.pid}
    assert all(task["state"] == "ready" and task["resident_bytes"] > 1_000_000 and task["requests_per_second"] > 0
               for task in report["tasks"]), report
    assert [shard["shard"] for shard in report["shards"]] == ["00", "01"]
    assert sum(shard["log_bytes"] for shard in report["shards"]) > 0 and report["free_bytes"] > 0
    assert report["models"][0]["model"] == "demo" and report["engine"] == "volume"
    text = stage.run(*(word for word in look if word != "--json"))
    assert "TASK" in text and "SHARD" in text and "ready" in text
    two.process.send_signal(signal.SIGSTOP)
    stopped = {task["pid"]: task for task in json.loads(stage.run(*look, expect=1))["tasks"]}
    two.process.send_signal(signal.SIGCONT)
    assert stopped[two.process.pid]["state"] == "unreachable" and "in time" in stopped[two.process.pid]["reason"]
    assert stopped[one.process.pid]["state"] == "ready"
    two.end(signal.SIGKILL)
    assert [task["pid"] for task in json.loads(stage.run(*look))["tasks"]] == [one.process.pid]


@test
def log(stage):
    """A request's id is in every line of its log, its turn's too, and in its answer."""
    task = stage.task()
    key = task.session()
    status, headers, _ = task.ask("POST", "/api/v1/conversations/talk/messages", key, {"id": "m1", "text": "text-secret"},
                                  headers=[("X-Request-Id", "balancer-7")])
    assert status == 202 and headers["X-Request-Id"] == "balancer-7"

    def lines():
        with open(task.log.name, encoding="utf-8") as file:
            # The last one may not be whole yet.
            return [json.loads(line) for line in file if line.endswith("\n")]
    eventually("the request and its turn are logged", lambda: {"request", "turn"} <= {
        line["message"] for line in lines() if line.get("request") == "balancer-7"})
    stage.run(stage.stoa, "health", "--ready", "--port", str(task.port))
    assert not [line for line in lines() if line.get("route") == "/readyz"], "a probe that went well is no news"
    assert all({"time", "level", "message"} <= set(line) for line in lines())
    with open(task.log.name, encoding="utf-8") as file:
        text = file.read()
    assert key[5:] not in text and "secret" not in text
