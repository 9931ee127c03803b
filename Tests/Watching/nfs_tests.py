"""The page on real NFS hosts (see Tests/NFSLab): what it says of NFS calls agrees with the kernel's own count."""

import json
import os
import subprocess
import sys
import time

from prometheus_client.parser import text_string_to_metric_families

from page_tests import check_page
from stage import nfs_test
from task import eventually, total

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "NFSLab"))
from laboratory import LEASE_SECONDS, Laboratory  # noqa: E402

START_SECONDS_MAX = 60
CUT_SECONDS_MAX = 60


class Host:
    """A task on a host of the laboratory, asked from there."""

    def __init__(self, lab, name, stoa):
        self.lab, self.name, self.stoa = lab, name, stoa
        self.process = subprocess.Popen(
            [os.path.join(os.path.dirname(__file__), "../NFSLab/lab"), "run", name,
             f"echo $BASHPID >/tmp/{lab.name}-{name}.pid; exec {stoa} serve --volume /mnt/nfs/volume --demo-speed 0"],
            env=lab.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(f"the task on {name} is ready", lambda: lab.lab(
            "run", name, f"{stoa} health --ready", check=False).returncode == 0, START_SECONDS_MAX)

    def curl(self, path, *words):
        # The laboratory reads lines.
        command = f"curl -s --max-time 30 {' '.join(words)} http://127.0.0.1:8080{path}; s=$?; echo; exit $s"
        return self.lab.run(self.name, command)

    def send(self, method, path, key, body):
        """The status of a request."""
        return self.curl(path, "-o /dev/null -w '%{http_code}'", "-X", method, f"-H 'Authorization: Bearer {key}'",
                         "-H 'Content-Type: application/json'", f"-d '{json.dumps(body)}'").strip()

    def end(self):
        pid = f"/tmp/{self.lab.name}-{self.name}.pid"
        self.lab.run(self.name, f"kill -TERM $(cat {pid})", check=False)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if os.path.exists(pid):
            os.unlink(pid)


def kernel_calls(text):
    """Calls by operation, of the kernel's text about the mount on /mnt/nfs."""
    calls, on = {}, False
    for line in text.splitlines():
        if line.startswith("device "):
            on = " mounted on /mnt/nfs " in line
        words = line.split()
        if on and len(words) > 8 and words[0][:-1].isupper() and words[0].endswith(":") and words[1].isdigit():
            calls[words[0][:-1]] = int(words[1])
    return {name: count for name, count in calls.items() if count}


@nfs_test
def nfs_calls(stage):
    """NFS calls are on the page, agree with the kernel's count, and a lost lease is counted as fenced."""
    problem = Laboratory.missing()
    assert problem is None, f"the laboratory cannot run here: {problem}"
    with Laboratory(worker=None, seed=0, hosts=2) as lab:
        lab.run("c1", f"{stage.stoa} volume init --volume /mnt/nfs/volume --shards 1")
        one = Host(lab, "c1", stage.stoa)
        try:
            key = json.loads(one.curl("/api/v1/sessions", "-X POST"))["key"]
            assert one.send("POST", "/api/v1/conversations", key, {"id": "talk"}) == "201"
            assert one.send("POST", "/api/v1/conversations/talk/messages", key, {"id": "m", "text": "hello"}) == "202"
            mark = "----------"
            parts = lab.run("c1", f"cat /proc/self/mountstats; echo {mark}; curl -s http://127.0.0.1:8080/metrics; "
                                  f"echo {mark}; cat /proc/self/mountstats").split(mark + "\n")
            before, after = kernel_calls(parts[0]), kernel_calls(parts[2])
            check_page(stage, parts[1])
            told = {sample.labels["operation"]: sample.value
                    for family in text_string_to_metric_families(parts[1]) if family.name == "stoa_nfs_calls"
                    for sample in family.samples}
            assert set(before) <= set(told) <= set(after), (before, told, after)
            for name, count in told.items():
                assert before.get(name, 0) <= count <= after[name], f"{name}: {before.get(name)} <= {count} <= {after[name]}"
            assert told["WRITE"] > 0 and told["LOCK"] > 0 and total(parts[1], "stoa_nfs_call_seconds_total") > 0
            print(f"        {len(told)} operations, {int(sum(told.values()))} calls, each between the kernel's count just before and just after")
            lose_lease(stage, lab, one, key)
        finally:
            one.end()


def lose_lease(stage, lab, one, key):
    """The host is cut off while another one takes its shard, and comes back."""
    two = Host(lab, "c2", stage.stoa)
    try:
        assert total(one.curl("/metrics"), "stoa_shard_fenced_total") == 0
        lab.lab("cut", "c1")
        begun = time.monotonic()
        eventually("the other host has the shard", lambda: two.send(
            "PATCH", "/api/v1/conversations/talk", key, {"title": "two"}) == "200", CUT_SECONDS_MAX)
        time.sleep(max(0, 2 * LEASE_SECONDS - (time.monotonic() - begun)))
        assert two.send("PATCH", "/api/v1/conversations/talk", key, {"title": "again"}) == "200"
        lab.lab("heal", "c1")
        eventually("the host that was away serves again", lambda: one.send(
            "PATCH", "/api/v1/conversations/talk", key, {"title": "one"}) == "200", CUT_SECONDS_MAX)
        page = one.curl("/metrics")
        assert total(page, "stoa_shard_fenced_total") > 0, page
        print(f"        fenced {int(total(page, 'stoa_shard_fenced_total'))} times, "
              f"busy elsewhere {int(total(two.curl('/metrics'), 'stoa_shard_busy_total'))} times")
    finally:
        two.end()
