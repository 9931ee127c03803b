"""The same on a laptop: what can be said of compose.yml without a container engine."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import yaml
from compose_spec import ComposeSpecification
from suite import HOME, Skipped, report, test

COMPOSE = HOME / "deploy/compose.yml"
TASKS = ["task1", "task2", "task3"]


@test("compose.yml is valid, and says of tasks and volume what the template says")
def valid(options):
    text = COMPOSE.read_text()
    ComposeSpecification.model_validate(yaml.safe_load(text))
    if shutil.which("docker-compose"):
        done = subprocess.run(["docker-compose", "--file", str(COMPOSE), "config"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        made = yaml.safe_load(done.stdout)
        report("docker-compose config takes it")
    else:
        made = yaml.safe_load(text)
        report("NOTE: docker-compose is not installed; only the schema was checked")
    template = (HOME / "deploy/template.yml").read_text()
    user = re.search(r'User: "(\d+:\d+)"', template)[1]
    drain = re.search(r'STOA_DRAIN, Value: "(\d+)"', template)[1]
    assert sorted(name for name in made["services"] if name.startswith("task")) == TASKS
    for name in TASKS:
        task = made["services"][name]
        assert task["user"] == user and task["read_only"] is True and task["cap_drop"] == ["ALL"]
        assert str(task["environment"]["STOA_DRAIN"]) == drain and str(task["stop_grace_period"]) in ("120s", "2m0s")
        assert task["healthcheck"]["test"] == ["CMD", "/usr/local/bin/stoa", "health"]
    mount = made["volumes"]["volume"]["driver_opts"]
    words = mount["o"].split(",")
    assert mount["type"] == "nfs" and "nfsvers=4.1" in words and "hard" in words
    assert not {"soft", "nolock"} & set(words) and not any(word.startswith("local_lock") for word in words)


@test("the load balancer of compose.yml makes a configuration that HAProxy takes")
def balancer(options):
    if not shutil.which("haproxy"):
        raise Skipped("haproxy is not installed")
    [shell, flag, script] = yaml.safe_load(COMPOSE.read_text())["services"]["balancer"]["entrypoint"]
    folder = tempfile.mkdtemp(prefix="stoa-compose-")
    try:
        script = script.replace("/run/stoa", folder).replace("/etc/stoa/haproxy.cfg", str(HOME / "deploy/local/haproxy.cfg"))
        # To check, not to serve.
        script = script.replace("exec haproxy -db", "exec haproxy -c")
        done = subprocess.run([shell, flag, script], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        made = pathlib.Path(folder, "haproxy.cfg").read_text()
        assert "@" not in re.sub(r"#.*", "", made) and all(f"server {name} {name}:8080" in made for name in TASKS)
        assert "bind :8080" in made
    finally:
        shutil.rmtree(folder)


@test("every command that DEPLOY.md shows is one that deploy.sh, compose or the tests know")
def documented(options):
    text = (HOME / "DEPLOY.md").read_text()
    known = subprocess.run([str(HOME / "deploy/deploy.sh"), "--help"], capture_output=True, text=True).stdout
    for line in re.findall(r"^deploy/deploy\.sh.*$", text, re.MULTILINE):
        for word in re.findall(r"(?<=\s)(--[a-z-]+)", line.split("#")[0]):
            assert word in known, f"DEPLOY.md: {line}: {word}"
    for path in set(re.findall(r"(?:^|[\s`(])((?:deploy|Tests|docs)/[\w./-]+\w)", text)):
        assert os.path.exists(HOME / path), f"DEPLOY.md names {path}, which is not there"
